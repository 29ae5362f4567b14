import { decimalUnits, nanoUsd, type NanoUsd } from './money.js';

/** No single call costs more, whatever an upstream claims: nine million dollars. Thousands of them still fit an account. */
export const MAX_CALL_NANO_USD = nanoUsd(9_000_000n * 1_000_000_000n);

const saturated = (amount: bigint) => nanoUsd(amount > MAX_CALL_NANO_USD ? MAX_CALL_NANO_USD : amount);

/** USD per one unit (token, request …), exactly: a whole number of 1e-30 USD. */
export type UnitPrice = bigint & { readonly __unit: '1e-30 usd' };

const PRICE_DECIMALS = 30;
const UNITS_PER_NANO_USD = 10n ** BigInt(PRICE_DECIMALS - 9);

/** A price as configuration writes it (`1.5e-7` USD per token); `undefined` when it is not a finite amount >= 0. */
export function unitPrice(usdPerUnit: number): UnitPrice | undefined {
  const units = decimalUnits(usdPerUnit, PRICE_DECIMALS);
  return units === undefined || units < 0n ? undefined : (units as UnitPrice);
}

/** What one model costs. Each field is USD per single unit; a missing finer price falls back as named. */
export interface Price {
  readonly input: UnitPrice;
  readonly output: UnitPrice;
  /** Prompt tokens read from the provider's cache; absent: `input`. */
  readonly cachedInput?: UnitPrice;
  /** Prompt tokens written to the provider's cache; absent: `input`. */
  readonly cacheWrite?: UnitPrice;
  /** Hidden reasoning tokens; absent: `output`. */
  readonly reasoning?: UnitPrice;
  readonly inputAudio?: UnitPrice;
  readonly outputAudio?: UnitPrice;
  /** A fee for the call itself. */
  readonly request?: UnitPrice;
  /** Other prices once the prompt is longer than `aboveInputTokens`, dearest threshold last. */
  readonly tiers?: readonly (Omit<Price, 'tiers'> & { readonly aboveInputTokens: number })[];
}

/** Tokens one call used, as the upstream reports them. The details are parts of the two totals. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
  readonly inputAudioTokens?: number;
  readonly outputAudioTokens?: number;
}

const count = (tokens: number | undefined) => BigInt(tokens ?? 0);

function roundHalfUp(units: bigint): NanoUsd {
  return saturated((units + UNITS_PER_NANO_USD / 2n) / UNITS_PER_NANO_USD);
}

function roundUp(units: bigint): NanoUsd {
  return saturated((units + UNITS_PER_NANO_USD - 1n) / UNITS_PER_NANO_USD);
}

/** What a call cost: exact until the one rounding (half up) at the end. */
export function costNanoUsd(usage: Usage, price: Price): NanoUsd {
  const tier = price.tiers?.findLast(({ aboveInputTokens }) => usage.inputTokens > aboveInputTokens);
  const { input, output, cachedInput, cacheWrite, reasoning, inputAudio, outputAudio, request } =
    tier ?? price;
  const special = { cached: count(usage.cachedInputTokens), write: count(usage.cacheWriteTokens) };
  const audioIn = count(usage.inputAudioTokens);
  const audioOut = count(usage.outputAudioTokens);
  const thought = count(usage.reasoningTokens);
  const plainIn = max0(count(usage.inputTokens) - special.cached - special.write - audioIn);
  const plainOut = max0(count(usage.outputTokens) - thought - audioOut);
  return roundHalfUp(
    plainIn * input +
      special.cached * (cachedInput ?? input) +
      special.write * (cacheWrite ?? input) +
      audioIn * (inputAudio ?? input) +
      plainOut * output +
      thought * (reasoning ?? output) +
      audioOut * (outputAudio ?? output) +
      (request ?? 0n),
  );
}

const max0 = (units: bigint) => (units > 0n ? units : 0n);

/** The most a call may cost: every token at the dearest price and tier it could meet, rounded up. */
export function boundNanoUsd(bound: { inputTokens: number; outputTokens: number }, ceiling: Price): NanoUsd {
  return roundUp(
    BigInt(bound.inputTokens) * ceiling.input +
      BigInt(bound.outputTokens) * ceiling.output +
      (ceiling.request ?? 0n),
  );
}

/** The most output tokens with which a call's bound is not more than `amount`. */
export function outputTokensWithin(amount: NanoUsd, inputTokens: number, ceiling: Price): number {
  if (!ceiling.output) return Number.MAX_SAFE_INTEGER;
  const left = amount * UNITS_PER_NANO_USD - BigInt(inputTokens) * ceiling.input - (ceiling.request ?? 0n);
  return left > 0n ? Number(left / ceiling.output) : 0;
}

/**
 * The dearest a call through any of `prices` can be: `input` and `output` already contain their finer prices
 * and tiers. Only good for `boundNanoUsd`.
 */
export function ceilingOf(prices: readonly Price[]): Price {
  const all = prices.flatMap((price) => [price, ...(price.tiers ?? [])]);
  const dearest = (of: (price: Omit<Price, 'tiers'>) => (UnitPrice | undefined)[]) =>
    all
      .flatMap(of)
      .reduce<UnitPrice>(
        (most, price) => (price !== undefined && price > most ? price : most),
        0n as UnitPrice,
      );
  return {
    input: dearest(({ input, cachedInput, cacheWrite, inputAudio }) => [
      input,
      cachedInput,
      cacheWrite,
      inputAudio,
    ]),
    output: dearest(({ output, reasoning, outputAudio }) => [output, reasoning, outputAudio]),
    request: dearest(({ request }) => [request]),
  };
}

/** Explicitly costs nothing: such a call needs no money and passes when every budget is gone. */
export function isFree(ceiling: Price): boolean {
  return !ceiling.input && !ceiling.output && !ceiling.request;
}
