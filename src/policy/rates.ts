import type { Scope } from './decision.js';

/** What a rate counts: calls per minute, tokens per minute, calls at the same time. */
export type RateUnit = 'requests' | 'tokens' | 'running';

/** One rate limit, and how full it is at this instant. */
export interface RateFacts {
  readonly scope: Scope;
  readonly unit: RateUnit;
  readonly limit: number;
  readonly used: number;
  /** The limit is for calls of this model only. */
  readonly model?: string;
  /** When room begins to come free. */
  readonly freeAt?: Date;
}

/** May a call that can use so many tokens count on this limit, too? */
export const hasRoom = (rate: Pick<RateFacts, 'unit' | 'limit'>, used: number, tokens: number): boolean =>
  used + neededOf(rate, tokens) <= rate.limit;

/** What a call needs of a limit. More tokens than the limit count as the limit: a large bound locks nobody out for ever. */
export function neededOf({ unit, limit }: Pick<RateFacts, 'unit' | 'limit'>, tokens: number): number {
  return unit === 'tokens' ? Math.min(tokens, Math.max(limit, 1)) : 1;
}
