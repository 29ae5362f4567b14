import { decimalUnits, nanoUsd, type NanoUsd } from './money.js';

/** No single call costs more, whatever an upstream claims: nine million dollars. Thousands of them still fit an account. */
export const MAX_CALL_NANO_USD = nanoUsd(9_000_000n * 1_000_000_000n);

const saturated = (amount: bigint) => nanoUsd(amount > MAX_CALL_NANO_USD ? MAX_CALL_NANO_USD : amount);

/** USD per one unit (token, image, millisecond, request …), exactly: a whole number of 1e-30 USD. */
export type UnitPrice = bigint & { readonly __unit: '1e-30 usd' };

/** Of a USD, in a `UnitPrice`. */
export const PRICE_DECIMALS = 30;
const UNITS_PER_NANO_USD = 10n ** BigInt(PRICE_DECIMALS - 9);

/**
 * A price as configuration writes it: USD for `10^powerOf10` units (`1.5e-7` for one token, `0.02` for 10^3 milliseconds).
 * `undefined` when it is not a finite amount >= 0, or finer than 1e-30 USD per unit.
 */
export function unitPrice(usd: number, powerOf10 = 0): UnitPrice | undefined {
  const units = decimalUnits(usd, PRICE_DECIMALS - powerOf10);
  return units === undefined || units < 0n ? undefined : (units as UnitPrice);
}

const ZERO = 0n as UnitPrice;

/** What a call may be billed for beside tokens. Time counts in milliseconds: a second's price is a thousand of theirs. */
export const UNITS = [
  'inputImages',
  'outputImages',
  'inputMs',
  'outputMs',
  'inputCharacters',
  'outputCharacters',
  'searches',
  'webSearches',
] as const;
export type Unit = (typeof UNITS)[number];

/** OpenAI's services that are not the plain one and have prices of their own. */
export const SERVICE_TIERS = ['flex', 'priority'] as const;
export type ServiceTier = (typeof SERVICE_TIERS)[number];

/** Prices that apply together. Each is USD per single unit; a missing finer price of tokens falls back as named. */
export interface PriceLevel extends Partial<Readonly<Record<Unit, UnitPrice>>> {
  readonly input: UnitPrice;
  readonly output: UnitPrice;
  /** Prompt tokens read from the provider's cache; absent: `input`. */
  readonly cachedInput?: UnitPrice;
  /** Prompt tokens written to the provider's cache; absent: `input`. */
  readonly cacheWrite?: UnitPrice;
  /** … to be kept for an hour; absent: `cacheWrite`. */
  readonly cacheWrite1h?: UnitPrice;
  /** Prompt tokens made of sound; absent: `input`. */
  readonly inputAudio?: UnitPrice;
  /** Prompt tokens made of images; absent: `input`. */
  readonly inputImageToken?: UnitPrice;
  /** Hidden reasoning tokens; absent: `output`. */
  readonly reasoning?: UnitPrice;
  /** Tokens of spoken answers; absent: `output`. */
  readonly outputAudio?: UnitPrice;
  /** Tokens of drawn answers; absent: `output`. */
  readonly outputImageToken?: UnitPrice;
  /** A fee for the call itself. */
  readonly request?: UnitPrice;
}

/** A level, and others instead of it once the prompt is longer than `aboveInputTokens`, longest last. */
export interface TieredPrice extends PriceLevel {
  readonly tiers?: readonly (PriceLevel & { readonly aboveInputTokens: number })[];
}

/** What one model costs. */
export interface Price extends TieredPrice {
  /** What it costs instead where the answer says that it came from this service. */
  readonly serviceTiers?: Partial<Readonly<Record<ServiceTier, TieredPrice>>>;
  /** Of a ceiling: whether some of its prices say nothing of these, so that text, or nothing, would be billed for them. */
  readonly lacks?: Readonly<Record<'inputAudio' | 'outputAudio' | 'webSearches', boolean>>;
}

/** What one call used, in whole units, as the upstream reports it. Finer tokens are parts of the two totals, no two the same. */
export interface Usage extends Partial<Readonly<Record<Unit, number>>> {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly cacheWrite1hTokens?: number;
  readonly inputAudioTokens?: number;
  readonly inputImageTokens?: number;
  readonly reasoningTokens?: number;
  readonly outputAudioTokens?: number;
  readonly outputImageTokens?: number;
  readonly serviceTier?: ServiceTier;
}

/** The most a call can use. A unit that is absent is none of it. */
export interface UsageBound extends Partial<Readonly<Record<Unit, number>>> {
  readonly inputTokens: number;
  /** All answers together. */
  readonly outputTokens: number;
  /** What is billed as output, and no output limit counts. */
  readonly tokensBesideAnswers?: number;
}

const count = (units: number | undefined) => BigInt(units ?? 0);

function roundHalfUp(units: bigint): NanoUsd {
  return saturated((units + UNITS_PER_NANO_USD / 2n) / UNITS_PER_NANO_USD);
}

function roundUp(units: bigint): NanoUsd {
  return saturated((units + UNITS_PER_NANO_USD - 1n) / UNITS_PER_NANO_USD);
}

/** What a call cost: exact until the one rounding (half up) at the end. */
export function costNanoUsd(usage: Usage, price: Price): NanoUsd {
  const level = levelFor(usage, price);
  const { input, output } = level;
  const cacheWrite = level.cacheWrite ?? input;
  return roundHalfUp(
    tokensAt(input, usage.inputTokens, [
      [usage.cachedInputTokens, level.cachedInput ?? input],
      [usage.cacheWriteTokens, cacheWrite],
      [usage.cacheWrite1hTokens, level.cacheWrite1h ?? cacheWrite],
      [usage.inputAudioTokens, level.inputAudio ?? input],
      [usage.inputImageTokens, level.inputImageToken ?? input],
    ]) +
      tokensAt(output, usage.outputTokens, [
        [usage.reasoningTokens, level.reasoning ?? output],
        [usage.outputAudioTokens, level.outputAudio ?? output],
        [usage.outputImageTokens, level.outputImageToken ?? output],
      ]) +
      otherThanTokens(usage, level),
  );
}

function levelFor({ inputTokens, serviceTier }: Usage, price: Price): PriceLevel {
  const tiered = (serviceTier && price.serviceTiers?.[serviceTier]) ?? price;
  return tiered.tiers?.findLast(({ aboveInputTokens }) => inputTokens > aboveInputTokens) ?? tiered;
}

/** Parts that overlap, or are more than the whole, are billed only as far as the whole goes. */
function tokensAt(
  plain: UnitPrice,
  total: number,
  parts: readonly (readonly [tokens: number | undefined, price: UnitPrice])[],
): bigint {
  let left = count(total);
  let sum = 0n;
  for (const [tokens, price] of parts) {
    if (!tokens) continue;
    const part = count(tokens) < left ? count(tokens) : left;
    sum += part * price;
    left -= part;
  }
  return sum + left * plain;
}

function otherThanTokens(used: Partial<Record<Unit, number>>, level: PriceLevel): bigint {
  let sum: bigint = level.request ?? ZERO;
  for (const unit of UNITS) {
    const price = level[unit];
    if (price) sum += count(used[unit]) * price;
  }
  return sum;
}

/** The most a call may cost, with `outputTokens` if not all of the bound: each unit at the dearest price and tier, rounded up. */
export function boundNanoUsd(
  bound: UsageBound,
  ceiling: PriceLevel,
  outputTokens = bound.outputTokens,
): NanoUsd {
  return roundUp(
    BigInt(bound.inputTokens) * ceiling.input +
      (BigInt(outputTokens) + count(bound.tokensBesideAnswers)) * ceiling.output +
      otherThanTokens(bound, ceiling),
  );
}

/** The most output tokens with which a call's bound, all else as in `bound`, is not more than `amount`; 0 if none are. */
export function outputTokensWithin(amount: NanoUsd, bound: UsageBound, ceiling: PriceLevel): number {
  if (!ceiling.output) return Number.MAX_SAFE_INTEGER;
  const left =
    amount * UNITS_PER_NANO_USD -
    BigInt(bound.inputTokens) * ceiling.input -
    count(bound.tokensBesideAnswers) * ceiling.output -
    otherThanTokens(bound, ceiling);
  if (left <= 0n) return 0;
  return Math.min(Number(left / ceiling.output), Number.MAX_SAFE_INTEGER);
}

/**
 * The dearest a call through any of `prices` can be: `input` and `output` already contain their finer prices, and
 * everything contains its tiers. `serviceTiers` are those that all of them have. Only good for bounds.
 */
export function ceilingOf(prices: readonly Price[]): Price {
  const everywhere = SERVICE_TIERS.flatMap((tier) => {
    const priced = prices.flatMap(({ serviceTiers }) => serviceTiers?.[tier] ?? []);
    return priced.length && priced.length === prices.length ? [[tier, dearestOf(priced)] as const] : [];
  });
  return {
    ...dearestOf(prices.flatMap((price) => [price, ...Object.values(price.serviceTiers ?? {})])),
    ...(everywhere.length && { serviceTiers: Object.fromEntries(everywhere) }),
    lacks: {
      inputAudio: prices.some(({ inputAudio }) => inputAudio === undefined),
      outputAudio: prices.some(({ outputAudio }) => outputAudio === undefined),
      webSearches: prices.some(({ webSearches }) => webSearches === undefined),
    },
  };
}

function dearestOf(prices: readonly TieredPrice[]): PriceLevel {
  const levels = prices.flatMap((price) => [price, ...(price.tiers ?? [])]);
  const dearest = (...fields: (keyof PriceLevel)[]) =>
    levels
      .flatMap((level) => fields.map((field) => level[field] ?? ZERO))
      .reduce((most, price) => (price > most ? price : most), ZERO);
  return {
    input: dearest('input', 'cachedInput', 'cacheWrite', 'cacheWrite1h', 'inputAudio', 'inputImageToken'),
    output: dearest('output', 'reasoning', 'outputAudio', 'outputImageToken'),
    request: dearest('request'),
    ...(Object.fromEntries(UNITS.map((unit) => [unit, dearest(unit)])) as Record<Unit, UnitPrice>),
  };
}

/** Explicitly costs nothing: such a call needs no money and passes when every budget is gone. */
export function isFree(ceiling: PriceLevel): boolean {
  return !ceiling.input && !ceiling.output && !ceiling.request && !UNITS.some((unit) => ceiling[unit]);
}
