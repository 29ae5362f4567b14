import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { type CallTokens, hasRoom, neededOf, type RateFacts } from '../policy/rates.js';
import { denialsOf, type RateLimit, RateLimits, type LeaseResult } from './rate-limits.js';
import { type LogEntry, SlidingLog } from './sliding-log.js';

/** The number of logs at which empty ones are removed. Later sweeps run at twice the number that was left. */
const SWEEP_AT = 100_000;

/** Counts in the memory of this process. */
@Injectable()
export class MemoryRateLimits extends RateLimits {
  readonly areInMemory = true;
  private readonly logs = new Map<string, SlidingLog>();
  private readonly running = new Map<string, number>();
  private sweepAt = SWEEP_AT;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: { readonly general: Pick<Config['general'], 'rateLimitSpanMs'> },
  ) {
    super();
  }

  measure(limits: readonly RateLimit[]): RateFacts[] {
    const now = this.clock().getTime();
    return limits.map((limit) => this.factsOf(limit, now));
  }

  acquire(limits: readonly RateLimit[], call: CallTokens): LeaseResult {
    const now = this.clock().getTime();
    if (!limits.every((limit) => hasRoom(limit, this.usedOf(limit, now), call)))
      return denialsOf(
        limits.map((limit) => this.factsOf(limit, now)),
        call,
      )!;
    const leases = limits.map((limit) => this.acquireOne(limit, call, now));
    const end = (used: number | undefined, ofModel = used) => {
      leases.splice(0).forEach((endLease, i) => endLease(limits[i]!.model === undefined ? used : ofModel));
    };
    return {
      lease: {
        facts: () => this.measure(limits),
        commit: end,
        rollback: () => end(undefined),
      },
    };
  }

  /**
   * Counts a call on one limit. The returned function ends it with the tokens used, or undoes it without an argument.
   */
  private acquireOne(
    { key, unit, limit }: RateLimit,
    call: CallTokens,
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
    const entry: LogEntry = log.add(now, unit === 'requests' ? 1 : neededOf({ unit, limit }, call));
    return (used) => {
      if (used === undefined) log.change(entry, 0);
      else if (unit === 'tokens') log.change(entry, used);
    };
  }

  private factsOf(rate: RateLimit, now: number): RateFacts {
    const { key, scope, unit, limit, model } = rate;
    const used = this.usedOf(rate, now);
    const freeAt = unit === 'running' ? undefined : this.logs.get(key)?.nextFreeAt;
    const facts: { -readonly [Name in keyof RateFacts]: RateFacts[Name] } = { scope, unit, limit, used };
    if (model !== undefined) facts.model = model;
    if (freeAt !== undefined) facts.freeAt = new Date(freeAt);
    return facts;
  }

  private usedOf({ key, unit }: RateLimit, now: number): number {
    if (unit === 'running') return this.running.get(key) ?? 0;
    return this.logs.get(key)?.usedAt(now) ?? 0;
  }

  private log(key: string): SlidingLog {
    let log = this.logs.get(key);
    if (!log) {
      if (this.logs.size >= this.sweepAt) this.sweep();
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
    this.sweepAt = Math.max(SWEEP_AT, 2 * this.logs.size);
  }
}
