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
}

/** Tells whether a call with this many tokens fits this limit. */
export const hasRoom = (rate: Pick<RateFacts, 'unit' | 'limit'>, used: number, tokens: number): boolean =>
  used + neededOf(rate, tokens) <= rate.limit;

/**
 * Returns what a call takes of a limit. A call that needs more tokens than the limit takes the whole limit, so a large
 * bound is not denied forever.
 */
export function neededOf({ unit, limit }: Pick<RateFacts, 'unit' | 'limit'>, tokens: number): number {
  return unit === 'tokens' ? Math.min(tokens, Math.max(limit, 1)) : 1;
}
