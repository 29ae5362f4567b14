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
import type { CallOrigin } from './call-origin.js';
import type { TouchedAccounts, WatchedAccount } from './touched-accounts.js';
import type { Clamp, EntryMark, EntryState, EntryTerms } from './ledger-entry.entity.js';

/** A budget and the scope that owns it. */
export interface ScopedBudget extends BudgetFacts {
  readonly scope: Scope;
}

/** A request to set money aside for one attempt at a call. */
export interface HoldRequest {
  readonly chain: BillingChain;
  readonly budgets: readonly ScopedBudget[];
  readonly demand: Pick<HoldDemand, 'wantedNanoUsd' | 'minimumNanoUsd' | 'fairShareNanoUsd'>;
  /** The part of the bound that the prompt alone costs. */
  readonly inputBoundNanoUsd: NanoUsd;
  /**
   * The hold of a failed attempt, and the mark its entry ends with. Its money counts as free for this request. Both
   * holds change in one step, so no other call takes the money. If this request gets no money, the old hold stays.
   */
  readonly replaces?: { readonly hold: Hold; readonly mark: EntryMark | null } | undefined;
  readonly requestId: string;
  /** IP address of the client; undefined if it is not stored. */
  readonly clientAddress?: string | undefined;
  /** The origin that the call names. Undefined if it names none. */
  readonly origin?: CallOrigin | undefined;
  /** Names of the call's tags, for reports. Tags with a budget are on the chain, too. */
  readonly tags: readonly string[];
  readonly callType: string;
  readonly model: string;
  readonly deploymentId: string;
  readonly provider: string;
  /** Accounts of the chain that alerts watch. */
  readonly alertAccounts: readonly WatchedAccount[];
  /** The revision of each row that the limits were read from. */
  readonly factRevisions: ReadonlyMap<CacheKey, number>;
  /**
   * True if the prompt was not counted exactly yet. The hold then reports stale facts instead of clamping the call.
   */
  readonly canBeRecounted: boolean;
  /** True if no budget applies and the provider got no output limit. The call may then cost more than its bound. */
  readonly mayExceedBound?: boolean;
}

/**
 * The amount set aside, the denials, or `staleFacts`: rows the request was built from have changed and the caller
 * must build it again.
 */
export type HoldResult =
  | { readonly amountNanoUsd: NanoUsd }
  | { readonly denials: readonly Denial[] }
  | { readonly staleFacts: true };

/** Money set aside for one attempt at one call. */
export interface Hold {
  readonly id: string;
  readonly chain: BillingChain;
  /** The amount set aside: the whole bound of the call, or less if the call was clamped. */
  readonly boundNanoUsd: NanoUsd;
  readonly watched: readonly WatchedAccount[];
  /** True if the call may cost more than its bound, see `HoldRequest`. */
  readonly mayExceedBound?: boolean;
  /** Set if the output limit was lowered to what the hold pays for. */
  clamp?: Clamp;
  /** Set before the settlement, if the cost is not that of the list price. */
  costTerms?: EntryTerms;
  /** The `id` of the answer, once it is known. */
  answerId?: string;
  /** Set by the first settle or release. Later ones change nothing. */
  closing?: Promise<void>;
}

/** Returns the hold of a call that costs nothing. It has no money and no entry, and needs no settlement. */
export const nothingHeld = (chain: BillingChain): Hold => ({
  id: uuidv7(),
  chain,
  boundNanoUsd: ZERO_NANO_USD,
  watched: [],
  closing: Promise.resolve(),
});

/** The end of a ledger entry. */
export interface ClosedEntry {
  readonly id: string;
  readonly state: Exclude<EntryState, 'open'>;
  readonly costNanoUsd: NanoUsd;
  readonly mark: EntryMark | null;
  readonly usage: Usage | null;
  readonly clamp?: Clamp | undefined;
  readonly costTerms?: EntryTerms | undefined;
  readonly answerId?: string | undefined;
  readonly closedAt: Date;
}

const RETRY_MS = 1_000;

/**
 * Moves money: holds it before a call, and settles or releases it after. Only this class and `Accounts.correct`
 * change balances. `SqliteSpend` keeps balances in memory, `PostgresSpend` in rows of PostgreSQL.
 */
export abstract class SpendService {
  private readonly logger = new Logger(SpendService.name);
  /** Writes that must finish before the process ends. */
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
   * Sets money aside on every account of the chain, as much of the demand as fits, or on none. Then the denials name
   * the accounts without room. It may wait for holds of other calls. Resolves when the open entry is committed, so
   * the call may be forwarded. Rejects if the commit failed. Then nothing is held.
   */
  @Traced('hold')
  async hold(
    request: HoldRequest,
  ): Promise<{ hold: Hold } | Exclude<HoldResult, { readonly amountNanoUsd: NanoUsd }>> {
    const since = performance.now();
    const id = uuidv7();
    const { replaces: replaced } = request;
    const ending = replaced && this.endAtNoCost(replaced.hold, replaced.mark);
    const result = await this.commitHold(id, request, ending);
    this.touchedAccounts.record(request.alertAccounts);
    if (!('amountNanoUsd' in result)) return result;
    if (ending) {
      replaced.hold.closing = Promise.resolve();
      this.record(ending, replaced.hold);
    }
    this.metrics.holdSeconds.observe((performance.now() - since) / 1_000);
    this.heldNanoUsd += result.amountNanoUsd;
    const { chain, alertAccounts: watched, mayExceedBound = false } = request;
    return { hold: { id, chain, boundNanoUsd: result.amountNanoUsd, watched, mayExceedBound } };
  }

  /**
   * Replaces the hold by the true cost, on the accounts of the hold. Resolves when that is committed. Retries a
   * failed commit until it succeeds. The hold stays until then. `remark`: the mark if there is no weightier one.
   */
  @Traced('settle')
  settle(
    hold: Hold,
    costNanoUsd: NanoUsd,
    usage: Usage | null,
    mark: EntryMark | null = null,
    remark: EntryMark | null = null,
  ): Promise<void> {
    const overrun = costNanoUsd > hold.boundNanoUsd;
    if (overrun && !hold.mayExceedBound && mark !== 'provider_bill')
      this.logger.warn(`Entry ${hold.id} cost more than its bound; billed truly.`);
    return (hold.closing ??= this.close(
      hold,
      'settled',
      costNanoUsd,
      usage,
      mark ?? (overrun ? 'overrun' : remark),
    ));
  }

  /** Releases the hold. Use it only if the upstream provably produced nothing. */
  @Traced('release')
  release(hold: Hold): Promise<void> {
    return (hold.closing ??= this.close(hold, 'released', ZERO_NANO_USD, null, null));
  }

  /** Waits until all writes are committed, at most `patienceMs`. Called right before the database closes. */
  async drain(patienceMs: number): Promise<void> {
    const until = Date.now() + patienceMs;
    while (this.unwritten.size && Date.now() < until) {
      await Promise.race([...this.unwritten, sleep(Math.min(RETRY_MS, until - Date.now()))]);
    }
  }

  /**
   * Sets money aside and commits the open entry. `ending`: the end of the entry of `request.replaces`, committed in
   * the same step if money is set aside.
   */
  protected abstract commitHold(id: string, request: HoldRequest, ending?: ClosedEntry): Promise<HoldResult>;

  /** Called when a call ended, before that is committed. */
  protected abstract onEnded(entry: ClosedEntry, hold: Hold): void;

  /** Commits the end of an entry and its effect on the balances. `isRetry`: an earlier try may have succeeded. */
  protected abstract commit(entry: ClosedEntry, hold: Hold, isRetry: boolean): Promise<void>;

  private close(...args: Parameters<SpendService['closeEntry']>): Promise<void> {
    return this.trackWrite(this.closeEntry(...args));
  }

  /** Registers a write that `drain` waits for. */
  protected trackWrite(writing: Promise<void>): Promise<void> {
    const unwritten = writing.finally(() => this.unwritten.delete(unwritten));
    this.unwritten.add(unwritten);
    return unwritten;
  }

  private async closeEntry(
    hold: Hold,
    state: 'settled' | 'released',
    costNanoUsd: NanoUsd,
    usage: Usage | null,
    mark: EntryMark | null,
  ): Promise<void> {
    const { id, clamp, answerId, costTerms } = hold;
    const entry = { id, state, costNanoUsd, usage, mark, clamp, answerId, costTerms, closedAt: this.clock() };
    this.onEnded(entry, hold);
    for (let isRetry = false; !(await this.isCommitted(entry, hold, isRetry)); isRetry = true)
      await sleep(RETRY_MS);
    this.record(entry, hold);
  }

  private endAtNoCost({ id, clamp, answerId }: Hold, mark: EntryMark | null): ClosedEntry {
    const state = mark ? 'settled' : 'released';
    const closedAt = this.clock();
    return { id, state, costNanoUsd: ZERO_NANO_USD, usage: null, mark, clamp, answerId, closedAt };
  }

  /** Records the committed end of an entry in metrics and alerts. */
  private record({ state, mark, costNanoUsd }: ClosedEntry, hold: Hold): void {
    this.heldNanoUsd -= hold.boundNanoUsd;
    this.touchedAccounts.record(hold.watched);
    this.metrics.entries.inc({ kind: mark ?? state });
    this.metrics.settledUsd.inc(usdFromNanoUsd(costNanoUsd));
  }

  private isCommitted(entry: ClosedEntry, hold: Hold, isRetry: boolean): Promise<boolean> {
    return this.commit(entry, hold, isRetry).then(
      () => true,
      () => false,
    );
  }
}
