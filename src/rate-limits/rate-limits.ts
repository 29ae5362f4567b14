import type { MaybePromise } from '../platform/maybe-promise.js';
import { rateDenial } from '../policy/checks/rate-limits-have-room.js';
import type { Denial, Scope } from '../policy/decision.js';
import type { ModelFacts } from '../policy/facts.js';
import { type CallTokens, hasRoom, type RateFacts, type RateUnit } from '../policy/rates.js';

/** A configured limit and the key of its counter. */
export interface RateLimit {
  /** The internal id of the scope, the unit, and the model if the limit is for one. */
  readonly key: string;
  readonly scope: Scope;
  readonly unit: RateUnit;
  readonly limit: number;
  /** Only calls of this model count. */
  readonly model?: string;
}

/** The place of one admitted call in its limits. */
export interface RateLimitLease {
  /** Returns the use of the limits including this call, now or as last known. */
  facts(): readonly RateFacts[];
  /**
   * Ends the call's lease and records its tokens. `ofModel`: the tokens that count on per-model limits (fallbacks use
   * other models).
   */
  commit(tokens: number, ofModel?: number): void;
  /** Ends the lease of a call that was not admitted. Nothing counts. */
  rollback(): void;
}

/** The lease of a call, or the denials of its full limits. */
export type LeaseResult = { readonly lease: RateLimitLease } | { readonly denials: readonly Denial[] };

/** Counts admitted calls, their tokens and running calls per limit. Refused calls do not count. */
export abstract class RateLimits {
  /** True if `measure` is cheap, so a guard may call it. */
  abstract readonly areInMemory: boolean;

  /** Returns the current use of these limits. Counts nothing. */
  abstract measure(limits: readonly RateLimit[]): MaybePromise<readonly RateFacts[]>;

  /** Counts one call and its tokens on every limit, or on none. Rejects if the use is unknown. */
  abstract acquire(limits: readonly RateLimit[], call: CallTokens): MaybePromise<LeaseResult>;
}

/** Returns the limits that count for a model: general ones, and those of one of its names. */
export const limitsFor = (
  limits: readonly RateLimit[],
  { requested, name, otherName }: Pick<ModelFacts, 'requested' | 'name' | 'otherName'>,
): readonly RateLimit[] =>
  limits.some(({ model }) => model !== undefined)
    ? limits.filter(
        ({ model }) => model === undefined || model === requested || model === name || model === otherName,
      )
    : limits;

/** Returns the denials of full limits. Undefined if all have room. */
export function denialsOf(
  facts: readonly RateFacts[],
  call: CallTokens,
): Extract<LeaseResult, { denials: unknown }> | undefined {
  const full = facts.filter((rate) => !hasRoom(rate, rate.used, call));
  return full.length ? { denials: full.map((rate) => rateDenial(rate, call)) } : undefined;
}
