import type { OffPeakHours } from './off-peak.js';
import { decimalUnits, nanoUsd, type NanoUsd, ZERO_NANO_USD } from './money.js';

/** The most one call may cost, whatever an upstream claims: nine million dollars. Thousands of such calls fit an account. */
export const MAX_CALL_NANO_USD = nanoUsd(9_000_000n * 1_000_000_000n);

const saturated = (amount: bigint) => nanoUsd(amount > MAX_CALL_NANO_USD ? MAX_CALL_NANO_USD : amount);

/** USD per unit (token, image, millisecond, request …), exactly: a whole number of 1e-30 USD. */
export type UnitPrice = bigint & { readonly __unit: '1e-30 usd' };

/** Decimals of a USD in a `UnitPrice`. */
export const PRICE_DECIMALS = 30;
const UNITS_PER_NANO_USD = 10n ** BigInt(PRICE_DECIMALS - 9);

/**
 * Reads a price as configuration writes it: USD for `10^powerOf10` units (`1.5e-7` for one token, `0.02` for 10^3
 * milliseconds). Returns `undefined` for what is no finite amount >= 0, or is finer than 1e-30 USD per unit.
 */
export function unitPrice(usd: number, powerOf10 = 0): UnitPrice | undefined {
  const units = decimalUnits(usd, PRICE_DECIMALS - powerOf10);
  return units === undefined || units < 0n ? undefined : (units as UnitPrice);
}

const ZERO = 0n as UnitPrice;

/**
 * Units that a call may be billed for beside tokens. Time counts in milliseconds: a price per second is a thousand of
 * theirs. A web search has three prices, by the size of the context it brings; `webSearches` is the dearest.
 */
export const UNITS = [
  'inputImages',
  'outputImages',
  'inputMs',
  'outputMs',
  'inputCharacters',
  'outputCharacters',
  'searches',
  'webSearches',
  'webSearchesLow',
  'webSearchesMedium',
  'citationTokens',
  'codeInterpreterSessions',
  'fileSearches',
  'inputPixels',
  'outputPixels',
] as const;
export type Unit = (typeof UNITS)[number];

/** Service tiers that have prices of their own, under the names that LiteLLM's price members end with. */
export const SERVICE_TIERS = ['flex', 'priority', 'ultrafast', 'balanced', 'decisions', 'batches'] as const;
export type ServiceTier = (typeof SERVICE_TIERS)[number];

/** Returns the service tier of this name. `fast` is OpenAI's newer name of `priority`. Undefined if it has no prices of its own. */
export function serviceTierOf(name: unknown): ServiceTier | undefined {
  if (typeof name !== 'string') return undefined;
  const tier = name.toLowerCase();
  return SERVICE_TIERS.find((known) => known === (tier === 'fast' ? 'priority' : tier));
}

/** Prices that apply together, each in USD per unit. A missing finer price of tokens falls back as named. */
export interface PriceLevel extends Partial<Readonly<Record<Unit, UnitPrice>>> {
  readonly input: UnitPrice;
  readonly output: UnitPrice;
  /** Prompt tokens read from the provider's cache; absent: `input`. */
  readonly cachedInput?: UnitPrice;
  /** Prompt tokens written to the provider's cache; absent: `input`. */
  readonly cacheWrite?: UnitPrice;
  /** Prompt tokens written to the cache for an hour; absent: `cacheWrite`. */
  readonly cacheWrite1h?: UnitPrice;
  /** Prompt tokens of sound; absent: `input`. */
  readonly inputAudio?: UnitPrice;
  /** Prompt tokens of images; absent: `input`. */
  readonly inputImageToken?: UnitPrice;
  /** Prompt tokens of video; absent: `input`. */
  readonly inputVideo?: UnitPrice;
  /** Prompt tokens of sound from the provider's cache; absent: `cachedInput`. */
  readonly cachedInputAudio?: UnitPrice;
  /** Prompt tokens of images from the provider's cache; absent: `cachedInput`. */
  readonly cachedInputImageToken?: UnitPrice;
  /** Hidden reasoning tokens; absent: `output`. */
  readonly reasoning?: UnitPrice;
  /** Tokens of spoken responses; absent: `output`. */
  readonly outputAudio?: UnitPrice;
  /** Tokens of drawn responses; absent: `output`. */
  readonly outputImageToken?: UnitPrice;
  /** A fee for the call itself. */
  readonly request?: UnitPrice;
}

/** A price level, and others that replace it if the prompt is longer than `aboveInputTokens`, longest last. */
export interface TieredPrice extends PriceLevel {
  readonly tiers?: readonly (PriceLevel & { readonly aboveInputTokens: number })[];
}

/** The price of one model. */
export interface Price extends TieredPrice {
  /** The price that replaces it if the response says that it came from this service tier. */
  readonly serviceTiers?: Partial<Readonly<Record<ServiceTier, TieredPrice>>>;
  /** The price in the hours that the provider calls off-peak. `priceAt` chooses. */
  readonly offPeak?: OffPeakPrice;
  /** Factors of the price of tokens in other circumstances, in thousandths, by the provider's name: `us`, `fast`. */
  readonly multipliers?: Readonly<Record<string, number>>;
  /** True if the operator wrote it: it counts before the provider's own bill. */
  readonly isConfigured?: true;
  /** Set if a discount or a margin made this price of the list price. */
  readonly list?: ListPrice;
}

/** Decimals of a share: discounts and margins are whole numbers of 1e-9. */
export const SHARE_DECIMALS = 9;
export const WHOLE_SHARE = 10n ** BigInt(SHARE_DECIMALS);

/** A price before discount and margin, and both. */
export interface ListPrice {
  readonly price: Price;
  readonly terms: PriceTerms;
}

/** Discount and margin of the calls of a model: cost × (1 − discount) × (1 + margin) + a fixed amount. */
export interface PriceTerms {
  /** A whole number of 1e-9, at most one. */
  readonly discount: bigint;
  /** A whole number of 1e-9. */
  readonly margin: bigint;
  /** An amount for each call. */
  readonly fixedNanoUsd: NanoUsd;
}

/** Prices that apply in some hours. */
export interface OffPeakPrice {
  readonly hours: OffPeakHours;
  readonly price: TieredPrice;
}

/** The usage of one call in whole units, as the upstream reports it. Finer tokens are disjoint parts of the two totals. */
export interface Usage extends Partial<Readonly<Record<Unit, number>>> {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly cacheWrite1hTokens?: number;
  readonly inputAudioTokens?: number;
  readonly inputImageTokens?: number;
  readonly inputVideoTokens?: number;
  readonly cachedInputAudioTokens?: number;
  readonly cachedInputImageTokens?: number;
  readonly reasoningTokens?: number;
  readonly outputAudioTokens?: number;
  readonly outputImageTokens?: number;
  readonly serviceTier?: ServiceTier;
  /** The cost that the provider itself reports, and the provider that reports it in this form. */
  readonly billNanoUsd?: number;
  readonly billedBy?: string;
  /** Names of the provider's counts that no price reads. */
  readonly unreadCounts?: readonly string[];
  /** Circumstances that multiply the price of tokens, by the names of `Price.multipliers`. */
  readonly multipliers?: readonly string[];
}

/** The most a call can use. A unit that is absent counts as none. */
export interface UsageBound extends Partial<Readonly<Record<Unit, number>>> {
  readonly inputTokens: number;
  /** Tokens of all responses together. */
  readonly outputTokens: number;
  /** Tokens that are billed as output, but that no output limit counts. */
  readonly tokensBesideAnswers?: number;
}

const count = (units: number | undefined) => BigInt(units ?? 0);

function roundHalfUp(units: bigint): NanoUsd {
  return saturated((units + UNITS_PER_NANO_USD / 2n) / UNITS_PER_NANO_USD);
}

function roundUp(units: bigint): NanoUsd {
  return saturated((units + UNITS_PER_NANO_USD - 1n) / UNITS_PER_NANO_USD);
}

/** Returns the cost of a call: exact until one rounding (half up) at the end. A bill of the provider is the list price. */
export function costNanoUsd(usage: Usage, price: Price): NanoUsd {
  if (usage.billNanoUsd !== undefined) return billAtTerms(BigInt(usage.billNanoUsd), price.list?.terms);
  const level = levelFor(usage, price);
  const { input, output } = level;
  const cachedInput = level.cachedInput ?? input;
  const cacheWrite = level.cacheWrite ?? input;
  const tokens =
    tokensAt(input, usage.inputTokens, [
      [usage.cachedInputTokens, cachedInput],
      [usage.cacheWriteTokens, cacheWrite],
      [usage.cacheWrite1hTokens, level.cacheWrite1h ?? cacheWrite],
      [usage.inputAudioTokens, level.inputAudio ?? input],
      [usage.inputImageTokens, level.inputImageToken ?? input],
      [usage.inputVideoTokens, level.inputVideo ?? input],
      [usage.cachedInputAudioTokens, level.cachedInputAudio ?? cachedInput],
      [usage.cachedInputImageTokens, level.cachedInputImageToken ?? cachedInput],
    ]) + tokensAt(output, usage.outputTokens, outputParts(usage, level));
  const multiplied = usage.multipliers ? times(tokens, usage.multipliers, price) : tokens;
  return roundHalfUp(multiplied + otherThanTokens(usage, level));
}

const ONE = 1_000;

/** Multiplies the price of tokens by what each of these circumstances costs. One without a multiplier costs nothing. */
function times(units: bigint, names: readonly string[], { multipliers }: Price): bigint {
  let product = units;
  for (const name of names)
    if (multipliers && Object.hasOwn(multipliers, name))
      product = (product * BigInt(multipliers[name]!)) / BigInt(ONE);
  return product;
}

function billAtTerms(bill: bigint, terms: PriceTerms | undefined): NanoUsd {
  if (!terms) return nanoUsd(bill);
  const { discount, margin, fixedNanoUsd } = terms;
  const scaled = bill * (WHOLE_SHARE - discount) * (WHOLE_SHARE + margin);
  const divisor = WHOLE_SHARE * WHOLE_SHARE;
  const cost = (scaled + divisor / 2n) / divisor + fixedNanoUsd;
  return nanoUsd(cost > MAX_CALL_NANO_USD ? MAX_CALL_NANO_USD : cost);
}

/** Returns a usage without the bill of its provider. */
export function withoutBill(usage: Usage): Usage {
  const { billNanoUsd: _, ...counts } = usage;
  delete (counts as { billedBy?: string }).billedBy;
  return counts;
}

/** Parts of the cost of a call. Together with the output, which is the rest, they are the whole. */
interface CostParts {
  /** Everything that was sent, but what a cache had or got. */
  readonly input: NanoUsd;
  /** Everything that was answered, with `reasoning`. */
  readonly output: NanoUsd;
  readonly cacheRead: NanoUsd;
  readonly cacheWrite: NanoUsd;
  readonly reasoning: NanoUsd;
  /** Web searches, and other tools that the provider runs. */
  readonly tools: NanoUsd;
}

/** Returns the parts of a `cost`, which must be that of this usage. */
export function costParts(cost: NanoUsd, usage: Usage, price: Price): CostParts {
  const level = levelFor(usage, price);
  const cacheWritePrice = level.cacheWrite ?? level.input;
  const priced = (tokens: number | undefined, tokenPrice: UnitPrice | undefined) =>
    tokens && tokenPrice ? roundHalfUp(BigInt(tokens) * tokenPrice) : ZERO_NANO_USD;
  const within = (amount: NanoUsd, whole: NanoUsd) => (amount < whole ? amount : whole);
  const hasParts = usage.reasoningTokens || usage.outputAudioTokens || usage.outputImageTokens;
  const outputUnits =
    tokensAt(level.output, usage.outputTokens, hasParts ? outputParts(usage, level) : []) +
    unitsAt(OUTPUT_UNITS, usage, level);
  const output = within(roundHalfUp(outputUnits), cost);
  const tools = within(roundHalfUp(unitsAt(TOOL_UNITS, usage, level)), nanoUsd(cost - output));
  const cachedInput = level.cachedInput ?? level.input;
  const cacheRead = within(
    nanoUsd(
      priced(usage.cachedInputTokens, cachedInput) +
        priced(usage.cachedInputAudioTokens, level.cachedInputAudio ?? cachedInput) +
        priced(usage.cachedInputImageTokens, level.cachedInputImageToken ?? cachedInput),
    ),
    nanoUsd(cost - output - tools),
  );
  const cacheWrite = within(
    nanoUsd(
      priced(usage.cacheWriteTokens, cacheWritePrice) +
        priced(usage.cacheWrite1hTokens, level.cacheWrite1h ?? cacheWritePrice),
    ),
    nanoUsd(cost - output - tools - cacheRead),
  );
  return {
    input: nanoUsd(cost - output - tools - cacheRead - cacheWrite),
    output,
    cacheRead,
    cacheWrite,
    reasoning: within(priced(usage.reasoningTokens, level.reasoning ?? level.output), output),
    tools,
  };
}

/** Returns the prices that apply to a usage: those of its service tier and of the length of its prompt. */
export function levelFor({ inputTokens, serviceTier }: Usage, price: Price): PriceLevel {
  const tiered = (serviceTier && price.serviceTiers?.[serviceTier]) ?? price;
  return tiered.tiers?.findLast(({ aboveInputTokens }) => inputTokens > aboveInputTokens) ?? tiered;
}

/** Limits parts that overlap or exceed the whole, so that they are billed only up to the whole. */
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

const outputParts = (usage: Usage, level: PriceLevel) =>
  [
    [usage.reasoningTokens, level.reasoning ?? level.output],
    [usage.outputAudioTokens, level.outputAudio ?? level.output],
    [usage.outputImageTokens, level.outputImageToken ?? level.output],
  ] as const;

const otherThanTokens = (used: Partial<Record<Unit, number>>, level: PriceLevel): bigint =>
  (level.request ?? ZERO) + unitsAt(UNITS, used, level);

const TOOL_UNITS = [
  'webSearches',
  'webSearchesLow',
  'webSearchesMedium',
  'citationTokens',
  'codeInterpreterSessions',
  'fileSearches',
] as const satisfies readonly Unit[];
const OUTPUT_UNITS = [
  'outputImages',
  'outputMs',
  'outputCharacters',
  'outputPixels',
] as const satisfies readonly Unit[];

function unitsAt(units: readonly Unit[], used: Partial<Record<Unit, number>>, level: PriceLevel): bigint {
  let sum = 0n;
  for (const unit of units) {
    const price = level[unit];
    if (price) sum += count(used[unit]) * price;
  }
  return sum;
}

/** Returns the most a call may cost, with `outputTokens` if given: each unit at the highest price and tier, rounded up. */
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

/** Returns the most output tokens with which the call costs at most `amount`, all else as in `bound`; 0 if none fit. */
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

/** Tells whether a price is explicitly zero. Such a call needs no money and passes when every budget is used up. */
export function isFree(ceiling: PriceLevel): boolean {
  return !ceiling.input && !ceiling.output && !ceiling.request && !UNITS.some((unit) => ceiling[unit]);
}
