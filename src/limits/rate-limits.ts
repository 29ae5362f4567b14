import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { rateDenial } from '../policy/checks/rate-limits-have-room.js';
import type { Denial, Scope } from '../policy/decision.js';
import { neededOf, type RateFacts, type RateUnit } from '../policy/rates.js';
import { type LogEntry, SlidingLog } from './sliding-log.js';

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
export interface Slots {
  /** The call is over: it runs no more, and used so many tokens. */
  settle(tokens: number): void;
  /** The call was not admitted after all: nothing was used. */
  giveBack(): void;
}

const SWEEP_AT = 100_000;

/** Counts admitted calls, their tokens, and those running, per limit. Refusals count nothing. */
@Injectable()
export class RateLimits {
  private readonly logs = new Map<string, SlidingLog>();
  private readonly running = new Map<string, number>();

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: { readonly general: Pick<Config['general'], 'rateLimitSpanMs'> },
  ) {}

  /** How full these limits are at this instant. Counts nothing. */
  measure(limits: readonly RateLimit[]): RateFacts[] {
    const now = this.clock().getTime();
    return limits.map((limit) => this.factsOf(limit, now));
  }

  /** Takes one call and its tokens of every limit, or of none: then it says which are full. */
  take(
    limits: readonly RateLimit[],
    tokens: number,
  ): { readonly slots: Slots } | { readonly denials: readonly Denial[] } {
    const now = this.clock().getTime();
    const full = limits
      .map((limit) => this.factsOf(limit, now))
      .filter((facts) => facts.used + neededOf(facts, tokens) > facts.limit);
    if (full.length) return { denials: full.map((facts) => rateDenial(facts, tokens)) };
    const taken = limits.map((limit) => this.taken(limit, tokens, now));
    const end = (settled: number | undefined) => {
      for (const one of taken.splice(0)) one(settled);
    };
    return { slots: { settle: (used) => end(used), giveBack: () => end(undefined) } };
  }

  /** Takes of one limit; what is returned ends it, with the tokens used, or as if it had never been. */
  private taken(
    { key, unit, limit }: RateLimit,
    tokens: number,
    now: number,
  ): (used: number | undefined) => void {
    if (unit === 'running') {
      this.running.set(key, (this.running.get(key) ?? 0) + 1);
      return () => {
        const left = this.running.get(key)! - 1;
        if (left) this.running.set(key, left);
        else this.running.delete(key);
      };
    }
    const log = this.log(key);
    const entry: LogEntry = log.add(now, unit === 'requests' ? 1 : neededOf({ unit, limit }, tokens));
    return (used) => {
      if (used === undefined) log.change(entry, 0);
      else if (unit === 'tokens') log.change(entry, used);
    };
  }

  private factsOf({ key, scope, unit, limit, model }: RateLimit, now: number): RateFacts {
    const named = { scope, unit, limit, ...(model !== undefined && { model }) };
    if (unit === 'running') return { ...named, used: this.running.get(key) ?? 0 };
    const log = this.logs.get(key);
    const used = log?.usedAt(now) ?? 0;
    const freeAt = log?.nextFreeAt;
    return { ...named, used, ...(freeAt !== undefined && { freeAt: new Date(freeAt) }) };
  }

  private log(key: string): SlidingLog {
    let log = this.logs.get(key);
    if (!log) {
      if (this.logs.size >= SWEEP_AT) this.sweep();
      this.logs.set(key, (log = new SlidingLog(this.config.general.rateLimitSpanMs)));
    }
    return log;
  }

  private sweep(): void {
    const now = this.clock().getTime();
    for (const [key, log] of this.logs) {
      log.usedAt(now);
      if (log.nextFreeAt === undefined) this.logs.delete(key);
    }
  }
}
