import type { MaybePromise } from '../platform/maybe-promise.js';
import { rateDenial } from '../policy/checks/rate-limits-have-room.js';
import type { Denial, Scope } from '../policy/decision.js';
import { hasRoom, type RateFacts, type RateUnit } from '../policy/rates.js';

/** A configured limit, and the name its use is counted under. */
export interface RateLimit {
  /** Our internal id of the scope, the unit, and the model if it is for one. */
  readonly key: string;
  readonly scope: Scope;
  readonly unit: RateUnit;
  readonly limit: number;
  /** Only calls of this model count. */
  readonly model?: string;
}

/** What one admitted call took of its limits. */
export interface RateLimitLease {
  /** How full the limits are, this call included: now, or as far as this process knows. */
  facts(): readonly RateFacts[];
  /** The call is over: it runs no more, and used so many tokens. `ofModel`: those of them that count on limits of its model, where a fallback used others. */
  commit(tokens: number, ofModel?: number): void;
  /** The call was not admitted after all: nothing was used. */
  rollback(): void;
}

/** A call's place in all of its limits, or which of them are full. */
export type LeaseResult = { readonly lease: RateLimitLease } | { readonly denials: readonly Denial[] };

/** Counts admitted calls, their tokens, and those running, per limit. Refusals count nothing. */
export abstract class RateLimits {
  /** True: asking how full they are costs nothing, so a guard may. */
  abstract readonly areInMemory: boolean;

  /** How full these limits are at this instant. Counts nothing. */
  abstract measure(limits: readonly RateLimit[]): MaybePromise<readonly RateFacts[]>;

  /** Takes one call and its tokens of every limit, or of none. Rejects when nobody can say how full they are. */
  abstract take(limits: readonly RateLimit[], tokens: number): MaybePromise<LeaseResult>;
}

/** Of all limits those that count for a model: by the name it was asked for, or the one it has. */
export const limitsFor = (
  limits: readonly RateLimit[],
  { requested, name }: { readonly requested: string; readonly name: string },
): readonly RateLimit[] =>
  limits.some(({ model }) => model !== undefined)
    ? limits.filter(({ model }) => model === undefined || model === requested || model === name)
    : limits;

/** Of these limits the full ones, told; undefined when all have room. */
export function full(
  facts: readonly RateFacts[],
  tokens: number,
): Extract<LeaseResult, { denials: unknown }> | undefined {
  const without = facts.filter((rate) => !hasRoom(rate, rate.used, tokens));
  return without.length ? { denials: without.map((rate) => rateDenial(rate, tokens)) } : undefined;
}
