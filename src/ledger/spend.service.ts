import { Logger } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { Clock } from '../platform/clock.js';
import type { Metrics } from '../metrics/metrics.js';
import { sleep } from '../platform/sleep.js';
import type { Denial, Scope } from '../policy/decision.js';
import type { BudgetFacts } from '../policy/facts.js';
import { type NanoUsd, usdFromNanoUsd, ZERO_NANO_USD, nanoUsd } from '../policy/money.js';
import type { Usage } from '../policy/price.js';
import type { HoldDemand } from '../policy/hold-demand.js';
import type { CacheKey } from '../cache/change-epochs.js';
import { Traced } from '../tracing/traced.js';
import type { BillingChain } from './billing-chain.js';
import type { TouchedAccounts, WatchedAccount } from './touched-accounts.js';
import type { EntryMark, EntryState } from './ledger-entry.entity.js';

/** A budget and whose it is. */
export interface ScopedBudget extends BudgetFacts {
  readonly scope: Scope;
}

/** What a call may cost, on whom, and what is known of them. */
export interface HoldRequest {
  readonly chain: BillingChain;
  readonly budgets: readonly ScopedBudget[];
  readonly demand: Pick<HoldDemand, 'wantedNanoUsd' | 'minimumNanoUsd' | 'fairShareNanoUsd'>;
  /** The part of the bound that the prompt alone costs. */
  readonly inputBoundNanoUsd: NanoUsd;
  /**
   * The hold of an attempt that came to nothing, and the mark its entry ends with. It counts as free for this one and ends
   * in the same step, at no cost, so nobody comes in between; where nothing is taken it stays as it is.
   */
  readonly replaces?: { readonly hold: Hold; readonly mark: EntryMark | null } | undefined;
  readonly requestId: string;
  /** Names of the call's tags, for reports; those that have a budget are on the chain. */
  readonly tags: readonly string[];
  readonly callType: string;
  readonly model: string;
  readonly deploymentId: string;
  readonly provider: string;
  /** Accounts of the chain somebody wants to hear about. */
  readonly alertAccounts: readonly WatchedAccount[];
  /** The rows the limits were read from, and which revision of each. */
  readonly factRevisions: ReadonlyMap<CacheKey, number>;
  /** Its prompt was not counted yet: rather than shorten the call, say that it does not fit. */
  readonly canBeRecounted: boolean;
  /** No budget applies and nobody told the provider where to stop: it may cost more, and nothing is wrong then. */
  readonly mayBePassed?: boolean;
}

/** The amount that was set aside; why none was; or that what the request was made of has changed: ask again with what is true now. */
export type HoldResult =
  { readonly amountNanoUsd: NanoUsd } | { readonly denials: readonly Denial[] } | { readonly outdated: true };

/** Money set aside for one attempt at one call. */
export interface Hold {
  readonly id: string;
  readonly chain: BillingChain;
  /** What was set aside: the call's whole bound, or what it was clamped to. */
  readonly boundNanoUsd: NanoUsd;
  readonly watched: readonly WatchedAccount[];
  /** No budget applies and nobody told the provider where to stop: the call may cost more. */
  readonly mayBePassed?: boolean;
  /** Set by the first settle or release; later ones change nothing. */
  closing?: Promise<void>;
}

/** The hold of a call that costs nothing: no money, no entry, nothing to close. */
export const nothingHeld = (chain: BillingChain): Hold => ({
  id: uuidv7(),
  chain,
  boundNanoUsd: ZERO_NANO_USD,
  watched: [],
  closing: Promise.resolve(),
});

/** How a call ended. */
export interface ClosedEntry {
  readonly id: string;
  readonly state: Exclude<EntryState, 'open'>;
  readonly costNanoUsd: NanoUsd;
  readonly mark: EntryMark | null;
  readonly usage: Usage | null;
  readonly closedAt: Date;
}

const RETRY_MS = 1_000;

/**
 * Moves money: hold before the call, settle or release after it. Beside `Accounts.correct`, and with it only in this room,
 * nothing changes a balance. Where balances live is for its two kinds to say: `SqliteSpend` in memory, `PostgresSpend` in
 * the rows of PostgreSQL.
 */
export abstract class SpendService {
  private readonly logger = new Logger(SpendService.name);
  /** What is still to be written before the process may end. */
  private readonly unwritten = new Set<Promise<void>>();
  private heldNanoUsd = 0n;

  constructor(
    private readonly touchedAccounts: TouchedAccounts,
    protected readonly metrics: Metrics,
    protected readonly clock: Clock,
  ) {
    metrics.gauge('tollgate_held_usd', 'US dollars held by calls under way in this process', () =>
      usdFromNanoUsd(nanoUsd(this.heldNanoUsd)),
    );
  }

  /**
   * Sets money aside on every account of the chain, as much as fits of what is wished for, or on none: then the
   * objections say which accounts lack room. It may wait for others' holds. Resolves when the open entry is committed,
   * so the call may be made. Rejects when it could not be committed; then nothing is held.
   */
  @Traced('hold')
  async hold(
    request: HoldRequest,
  ): Promise<{ hold: Hold } | Exclude<HoldResult, { readonly amountNanoUsd: NanoUsd }>> {
    const since = performance.now();
    const id = uuidv7();
    const { replaces: instead } = request;
    const ending = instead && this.endedAtNoCost(instead.hold, instead.mark);
    const taken = await this.take(id, request, ending);
    this.touchedAccounts.note(request.alertAccounts);
    if (!('amountNanoUsd' in taken)) return taken;
    if (ending) {
      instead.hold.closing = Promise.resolve();
      this.tell(ending, instead.hold);
    }
    this.metrics.holdSeconds.observe((performance.now() - since) / 1_000);
    this.heldNanoUsd += taken.amountNanoUsd;
    const { chain, alertAccounts: watched, mayBePassed = false } = request;
    return { hold: { id, chain, boundNanoUsd: taken.amountNanoUsd, watched, mayBePassed } };
  }

  /**
   * Replaces the hold by the true cost, on the accounts of the hold. Resolves when that is committed; a commit that
   * fails is tried again until it succeeds, and the hold stays until then.
   */
  @Traced('settle')
  settle(
    hold: Hold,
    costNanoUsd: NanoUsd,
    usage: Usage | null,
    mark: EntryMark | null = null,
  ): Promise<void> {
    const overrun = costNanoUsd > hold.boundNanoUsd;
    if (overrun && !hold.mayBePassed)
      this.logger.warn(`Entry ${hold.id} cost more than its bound; billed truly.`);
    return (hold.closing ??= this.close(
      hold,
      'settled',
      costNanoUsd,
      usage,
      mark ?? (overrun ? 'overrun' : null),
    ));
  }

  /** Gives the hold back: only when provably nothing was produced. */
  @Traced('release')
  release(hold: Hold): Promise<void> {
    return (hold.closing ??= this.close(hold, 'released', ZERO_NANO_USD, null, null));
  }

  /** Waits until nothing is being written, or `patienceMs` are over: the last thing before the database closes. */
  async drained(patienceMs: number): Promise<void> {
    const until = Date.now() + patienceMs;
    while (this.unwritten.size && Date.now() < until) {
      await Promise.race([...this.unwritten, sleep(Math.min(RETRY_MS, until - Date.now()))]);
    }
  }

  /** Sets aside and commits the open entry. `ending`: in the same step, if it does, the entry of `request.instead` ends so. */
  protected abstract take(id: string, request: HoldRequest, ending?: ClosedEntry): Promise<HoldResult>;

  /** The call ended; nothing of that is committed yet. */
  protected abstract ended(entry: ClosedEntry, hold: Hold): void;

  /** Commits the end of an entry and what it does to the balances. `again`: an earlier try may have succeeded after all. */
  protected abstract commit(entry: ClosedEntry, hold: Hold, again: boolean): Promise<void>;

  private close(...args: Parameters<SpendService['closed']>): Promise<void> {
    return this.awaited(this.closed(...args));
  }

  /** The process does not end before this has, if it can help it. */
  protected awaited(writing: Promise<void>): Promise<void> {
    const unwritten = writing.finally(() => this.unwritten.delete(unwritten));
    this.unwritten.add(unwritten);
    return unwritten;
  }

  private async closed(
    hold: Hold,
    state: 'settled' | 'released',
    costNanoUsd: NanoUsd,
    usage: Usage | null,
    mark: EntryMark | null,
  ): Promise<void> {
    const entry = { id: hold.id, state, costNanoUsd, usage, mark, closedAt: this.clock() };
    this.ended(entry, hold);
    for (let again = false; !(await this.isCommitted(entry, hold, again)); again = true)
      await sleep(RETRY_MS);
    this.tell(entry, hold);
  }

  private endedAtNoCost({ id }: Hold, mark: EntryMark | null): ClosedEntry {
    const state = mark ? 'settled' : 'released';
    return { id, state, costNanoUsd: ZERO_NANO_USD, usage: null, mark, closedAt: this.clock() };
  }

  /** The end of an entry is committed: whoever counts or watches hears of it. */
  private tell({ state, mark, costNanoUsd }: ClosedEntry, hold: Hold): void {
    this.heldNanoUsd -= hold.boundNanoUsd;
    this.touchedAccounts.note(hold.watched);
    this.metrics.entries.inc({ kind: mark ?? state });
    this.metrics.settledUsd.inc(usdFromNanoUsd(costNanoUsd));
  }

  private isCommitted(entry: ClosedEntry, hold: Hold, again: boolean): Promise<boolean> {
    return this.commit(entry, hold, again).then(
      () => true,
      () => false,
    );
  }
}
