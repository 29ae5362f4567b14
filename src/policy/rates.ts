import type { Scope } from './decision.js';

/** Units of a rate limit: calls per minute, tokens per minute, parallel calls. */
export type RateUnit = 'requests' | 'tokens' | 'running';

/** One rate limit, and how full it is at this instant. */
export interface RateFacts {
  readonly scope: Scope;
  readonly unit: RateUnit;
  readonly limit: number;
  readonly used: number;
  /** The limit counts calls of this model only. */
  readonly model?: string;
  /** The time at which the first slot comes free. */
  readonly freeAt?: Date;
  /** Tokens that the call takes of a token limit. */
  readonly needed?: number;
  /** The most tokens that the call can use. */
  readonly bound?: number;
}

/** Tokens of a call before its use is known. */
export interface CallTokens {
  /** Tokens that the call takes of a limit until its use is known: its prompt and the usual length of a response. */
  readonly rateTokens: number;
  /** The most tokens the call can use, prompt and responses. */
  readonly boundTokens: number;
}

/** Tells whether a call fits this limit. Of a limit that is used up there is no room for a token. */
export const hasRoom = (rate: Pick<RateFacts, 'unit' | 'limit'>, used: number, call: CallTokens): boolean =>
  used + neededOf(rate, call) <= rate.limit;

/**
 * Returns what a call takes of a limit. A call that needs more tokens than the limit takes the whole limit, so a long
 * prompt is not denied forever.
 */
export function neededOf(
  { unit, limit }: Pick<RateFacts, 'unit' | 'limit'>,
  { rateTokens }: CallTokens,
): number {
  return unit === 'tokens' ? Math.min(rateTokens, Math.max(limit, 1)) : 1;
}

/** Returns a limit with what a call needs of it. */
export function withNeed(rate: RateFacts, call: CallTokens): RateFacts {
  const { scope, unit, limit, used, model, freeAt } = rate;
  if (unit !== 'tokens') return rate;
  return { scope, unit, limit, used, model, freeAt, needed: neededOf(rate, call), bound: call.boundTokens };
}

/** A call takes its prompt by its bytes, which are more than its tokens, if it takes at most one in this many of a limit. */
const SMALL_PART = 16;

/** Tells whether a call takes so much of a token limit that its prompt must be counted. */
export const takesMuch = (rates: readonly Pick<RateFacts, 'unit' | 'limit'>[], { rateTokens }: CallTokens) =>
  rates.some(({ unit, limit }) => unit === 'tokens' && rateTokens * SMALL_PART > limit);
