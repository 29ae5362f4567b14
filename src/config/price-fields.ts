import {
  PRICE_DECIMALS,
  type PriceLevel,
  type ServiceTier,
  type UnitPrice,
  unitPrice,
} from '../policy/price.js';

/** The unit that one of LiteLLM's price names prices. */
interface PriceField {
  readonly field: keyof PriceLevel;
  /** Set if it applies to prompts longer than this many tokens. */
  readonly aboveInputTokens?: number;
  /** Set if it applies to responses of this service tier. */
  readonly serviceTier?: ServiceTier;
}

const FIELD = new Map<string, keyof PriceLevel>([
  ['input_cost_per_token', 'input'],
  ['output_cost_per_token', 'output'],
  ['cache_read_input_token_cost', 'cachedInput'],
  ['cache_creation_input_token_cost', 'cacheWrite'],
  ['cache_creation_input_token_cost_above_1hr', 'cacheWrite1h'],
  ['input_cost_per_audio_token', 'inputAudio'],
  ['input_cost_per_image_token', 'inputImageToken'],
  ['output_cost_per_reasoning_token', 'reasoning'],
  ['output_cost_per_audio_token', 'outputAudio'],
  ['output_cost_per_image_token', 'outputImageToken'],
  ['input_cost_per_image', 'inputImages'],
  ['output_cost_per_image', 'outputImages'],
  ['input_cost_per_second', 'inputMs'],
  ['output_cost_per_second', 'outputMs'],
  ['input_cost_per_character', 'inputCharacters'],
  ['output_cost_per_character', 'outputCharacters'],
  ['input_cost_per_query', 'searches'],
  ['input_cost_per_request', 'request'],
]);

const SUFFIXES = /^(?<name>.+?)(?:_above_(?<thousands>\d{1,6})k_tokens)?(?:_(?<tier>flex|priority))?$/;

/** Reads a price's name, with `_above_200k_tokens` and `_flex` or `_priority` behind it; `undefined` if it bills nothing. */
export function priceField(key: string): PriceField | undefined {
  const { name, thousands, tier } = SUFFIXES.exec(key)?.groups ?? {};
  const field = name === undefined ? undefined : FIELD.get(name);
  return (
    field && {
      field,
      ...(thousands !== undefined && { aboveInputTokens: Number(thousands) * 1_000 }),
      ...(tier !== undefined && { serviceTier: tier as ServiceTier }),
    }
  );
}

const SECONDS: readonly (keyof PriceLevel)[] = ['inputMs', 'outputMs'];
const MS_PER_SECOND_DIGITS = 3;

/** Returns the price that a number means in this field; `undefined` if it is no amount or has more than `maxDecimals`. */
export function priceIn(field: keyof PriceLevel, usd: number): UnitPrice | undefined {
  return unitPrice(usd, SECONDS.includes(field) ? MS_PER_SECOND_DIGITS : 0);
}

export const maxDecimals = (field: keyof PriceLevel) =>
  SECONDS.includes(field) ? PRICE_DECIMALS - MS_PER_SECOND_DIGITS : PRICE_DECIMALS;
