import {
  PRICE_DECIMALS,
  type PriceLevel,
  SERVICE_TIERS,
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
  ['input_cost_per_video_token', 'inputVideo'],
  ['cache_read_input_audio_token_cost', 'cachedInputAudio'],
  ['cache_read_input_image_token_cost', 'cachedInputImageToken'],
  // DeepSeek's older name.
  ['input_cost_per_token_cache_hit', 'cachedInput'],
  ['input_cost_per_image', 'inputImages'],
  ['output_cost_per_image', 'outputImages'],
  ['input_cost_per_second', 'inputMs'],
  ['output_cost_per_second', 'outputMs'],
  ['input_cost_per_character', 'inputCharacters'],
  ['output_cost_per_character', 'outputCharacters'],
  ['input_cost_per_query', 'searches'],
  ['input_cost_per_request', 'request'],
  ['input_cost_per_pixel', 'inputPixels'],
  ['output_cost_per_pixel', 'outputPixels'],
  ['citation_cost_per_token', 'citationTokens'],
  ['code_interpreter_cost_per_session', 'codeInterpreterSessions'],
  ['file_search_cost_per_1k_calls', 'fileSearches'],
]);

const SUFFIXES = new RegExp(
  `^(?<name>.+?)(?:_above_(?<thousands>\\d{1,6})k_tokens)?(?:_(?<tier>${SERVICE_TIERS.join('|')}))?$`,
);

/**
 * Reads a price's name, with `_above_200k_tokens` and a service tier such as `_flex` behind it; `undefined` if it bills
 * nothing.
 */
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

/** Powers of ten of the units that a figure of LiteLLM is for, where it is not for one. Seconds count in milliseconds. */
const POWER_OF_10: Partial<Readonly<Record<keyof PriceLevel, number>>> = {
  inputMs: 3,
  outputMs: 3,
  fileSearches: 3,
};

/** Returns the price that a number means in this field; `undefined` if it is no amount or has more than `maxDecimals`. */
export function priceIn(field: keyof PriceLevel, usd: number): UnitPrice | undefined {
  return unitPrice(usd, POWER_OF_10[field] ?? 0);
}

export const maxDecimals = (field: keyof PriceLevel) => PRICE_DECIMALS - (POWER_OF_10[field] ?? 0);
