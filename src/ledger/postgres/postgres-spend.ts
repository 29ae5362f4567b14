import { Inject, Injectable, Logger, ServiceUnavailableException } from '@nestjs/common';
import { RowCache } from '../../cache/row-cache.js';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { CONFIG, type Config } from '../../config/config.js';
import { DatabaseLock } from '../../database/database-lock.js';
import { WriteHealth } from '../../database/write-health.js';
import { Metrics } from '../../metrics/metrics.js';
import { sleep } from '../../platform/sleep.js';
import { nanoUsd, ZERO_NANO_USD } from '../../policy/money.js';
import { DependencyUnavailableError } from '../../platform/dependency-unavailable.error.js';
import { TouchedAccounts } from '../touched-accounts.js';
import { holdDenial } from '../hold-denial.js';
import { type ClosedEntry, type HoldRequest, SpendService, type HoldResult } from '../spend.service.js';
import { isSerializationFailure, isInDoubt, isDataError, STATEMENT_TIMEOUT_MS } from './ledger-connection.js';
import {
  type HoldReply,
  type HoldCommand,
  type HoldOutcome,
  LedgerStatements,
  type BlockingAccount,
} from './ledger-statements.js';
import { Replicas } from './replicas.js';

interface PendingHold {
  readonly id: string;
  readonly request: HoldRequest;
  readonly ending: ClosedEntry | undefined;
  /** The time when it stops waiting, on the clock of `performance.now()`. */
  readonly deadline: number;
  readonly resolve: (result: HoldResult) => void;
  readonly fail: (error: unknown) => void;
  /** The account that lacks room. */
  waitsFor?: string;
}

interface PendingSettlement {
  readonly entry: ClosedEntry;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** The most calls in one hold statement, and in one settle statement. */
const MAX_BATCH = 500;
const MAX_WAITERS = 1_000;
/** The interval in which waiting calls retry: a hold may have ended on another replica. */
const POLL_MS = 50;
const MAX_TRIES = 3;
const RETRY_MS = 100;

/**
 * Moves money on PostgreSQL, for any number of replicas: balances are rows. All holds of a tick are one statement,
 * and so are all settlements. The next statement starts when the last one is done. Calls that have to wait retry in
 * their order.
 */
@Injectable()
export class PostgresSpend extends SpendService {
  private readonly log = new Logger(PostgresSpend.name);
  private fresh: PendingHold[] = [];
  private waiting: PendingHold[] = [];
  /** True if a hold ended or time passed, so waiting calls retry. */
  private mayFit = false;
  private pollAt = Infinity;
  private holding = false;
  private pollTimer: NodeJS.Timeout | undefined;
  private closes: PendingSettlement[] = [];
  private settling = false;

  constructor(
    private readonly statements: LedgerStatements,
    private readonly replicas: Replicas,
    private readonly rows: RowCache,
    private readonly lock: DatabaseLock,
    private readonly writeHealth: WriteHealth,
    @Inject(CONFIG) private readonly config: Config,
    touchedAccounts: TouchedAccounts,
    metrics: Metrics,
    @Inject(CLOCK) clock: Clock,
  ) {
    super(touchedAccounts, metrics, clock);
  }

  protected commitHold(id: string, request: HoldRequest, ending?: ClosedEntry): Promise<HoldResult> {
    return new Promise((resolve, fail) => {
      const deadline = performance.now() + this.config.general.budgetWaitMs;
      this.admit({ id, request, ending, deadline, resolve, fail });
      this.wake();
    });
  }

  protected onEnded(): void {}

  protected commit(entry: ClosedEntry): Promise<void> {
    return new Promise((done, failed) => {
      this.closes.push({ entry, done, failed });
      if (this.settling) return;
      this.settling = true;
      setImmediate(() => void this.settleAll());
    });
  }

  /** Queues a new hold behind the calls that wait for one of its accounts here, unless it replaces a hold. */
  private admit(pending: PendingHold): void {
    const { request } = pending;
    const queued =
      this.waiting.length && !pending.ending && request.demand.wantedNanoUsd !== ZERO_NANO_USD
        ? request.budgets.find(({ account }) => this.waiting.some(({ waitsFor }) => waitsFor === account.id))
        : undefined;
    if (!queued) this.fresh.push(pending);
    // The queue is full: the call takes what fits now or is refused.
    else if (this.isFull(queued.account.id)) this.fresh.push({ ...pending, deadline: 0 });
    else this.waiting.push(Object.assign(pending, { waitsFor: queued.account.id }));
  }

  private isFull(accountId: string): boolean {
    return this.waiting.filter(({ waitsFor }) => waitsFor === accountId).length >= MAX_WAITERS;
  }

  private wake(): void {
    if (this.holding || !(this.fresh.length || (this.waiting.length && this.mayFit))) return;
    this.holding = true;
    setImmediate(() => void this.holdAll());
  }

  private async holdAll(): Promise<void> {
    while (this.fresh.length || (this.waiting.length && this.mayFit)) {
      // Calls that arrived during the statement may have to queue now.
      for (const pending of this.fresh.splice(0)) this.admit(pending);
      const due = this.mayFit || performance.now() >= this.pollAt ? this.waiting.splice(0) : [];
      if (due.length) this.pollAt = performance.now() + POLL_MS;
      this.mayFit = false;
      const batch = [...due, ...this.fresh.splice(0)];
      const rest = batch.splice(MAX_BATCH);
      await this.holdFor(batch.filter(({ ending }) => ending));
      await this.holdFor(batch.filter(({ ending }) => !ending));
      // The rest keeps its place: waiting calls before new ones.
      this.waiting.push(...rest.filter(({ waitsFor }) => waitsFor !== undefined));
      this.fresh.unshift(...rest.filter(({ waitsFor }) => waitsFor === undefined));
      if (rest.length) this.mayFit = true;
    }
    this.holding = false;
    this.scheduleNext();
  }

  private scheduleNext(): void {
    clearTimeout(this.pollTimer);
    if (!this.waiting.length) return;
    const soonest = Math.min(...this.waiting.map(({ deadline }) => deadline));
    this.pollAt = Math.min(performance.now() + POLL_MS, soonest);
    this.pollTimer = setTimeout(
      () => {
        this.mayFit = true;
        this.wake();
      },
      Math.max(0, this.pollAt - performance.now()),
    );
  }

  private async holdFor(batch: readonly PendingHold[]): Promise<void> {
    if (!batch.length) return;
    const now = performance.now();
    const commands = batch.map(({ id, request, ending, deadline }) => ({
      id,
      request,
      ending,
      isLastTry: deadline <= now,
    }));
    let inDoubt = false;
    const outcome = await this.holdOnce(commands, () => (inDoubt = true)).catch((error: unknown) =>
      this.afterFailure(batch, error, inDoubt),
    );
    if (!outcome) return;
    this.writeHealth.succeeded('hold');
    for (const { accountId, spent, held } of outcome.balances)
      this.updateBalance(batch, accountId, spent, held);
    if (outcome.changedKeys.length)
      await this.rows.evict(outcome.changedKeys).catch((error: unknown) => this.log.warn(error));
    for (const [i, pending] of batch.entries()) this.reply(pending, outcome.replies[i]!);
    // The money that the old hold had beyond the new one is free for other calls.
    if (batch.some(({ ending }, i) => ending && outcome.replies[i]!.kind === 'granted')) this.mayFit = true;
  }

  /** Sends the statement, and repeats it while its outcome is in doubt or it collided with another transaction. */
  private async holdOnce(commands: readonly HoldCommand[], doubt: () => void): Promise<HoldOutcome> {
    for (let tries = 1; ; tries++) {
      this.lock.expectOurs();
      try {
        const outcome = await this.statements.hold(this.replicas.id, commands, tries > 1);
        // The loss of the lock before the statement may be known only now.
        this.lock.expectOurs();
        return outcome;
      } catch (error) {
        if (isInDoubt(error)) doubt();
        else if (!isSerializationFailure(error)) throw error;
        if (tries === MAX_TRIES) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  /** Splits a batch that is known not to be committed, until only the faulty call fails. */
  private async afterFailure(
    batch: readonly PendingHold[],
    error: unknown,
    inDoubt: boolean,
  ): Promise<undefined> {
    if (!inDoubt && batch.length > 1 && this.lock.isOurs) {
      const half = batch.length >> 1;
      await this.holdFor(batch.slice(0, half));
      await this.holdFor(batch.slice(half));
      return;
    }
    this.log.error(`Money could not be held for ${batch.length} calls: ${String(error)}`);
    const exception =
      error instanceof ServiceUnavailableException
        ? error
        : new DependencyUnavailableError('database', error);
    // A hold without commands checks the same path.
    if (!isDataError(error))
      this.writeHealth.failed('hold', () => this.statements.hold(this.replicas.id, [], false));
    for (const { fail } of batch) fail(exception);
    if (inDoubt) void this.trackWrite(this.releaseInDoubt(batch.map(({ id }) => id)));
  }

  /** Releases the entries of calls that were never forwarded, in case one was or will be committed. */
  private async releaseInDoubt(ids: readonly string[]): Promise<void> {
    const entries = ids.map((id) => ({
      id,
      state: 'released' as const,
      costNanoUsd: ZERO_NANO_USD,
      mark: null,
      usage: null,
      closedAt: this.clock(),
    }));
    // The server ends running statements within this time. The settlement finds everything they committed.
    await sleep(2 * STATEMENT_TIMEOUT_MS);
    for (;;) {
      const done = await this.statements.settle(entries).then(
        () => true,
        () => false,
      );
      if (done) return;
      await sleep(STATEMENT_TIMEOUT_MS);
    }
  }

  private reply(pending: PendingHold, reply: HoldReply): void {
    switch (reply.kind) {
      case 'granted':
        return pending.resolve({ amountNanoUsd: nanoUsd(reply.amount) });
      case 'refused':
        return pending.resolve({ denials: this.denials(pending, reply.blockedBy) });
      case 'short':
        return this.wait(pending, reply.blockedBy[0]!.accountId);
      case 'closed':
        return pending.fail(new Error(`Entry ${pending.id} is closed already.`));
      default:
        return pending.resolve({ staleFacts: true });
    }
  }

  private wait(pending: PendingHold, accountId: string): void {
    pending.waitsFor = accountId;
    const index = this.waiting.findIndex(({ deadline }) => deadline > pending.deadline);
    this.waiting.splice(index < 0 ? this.waiting.length : index, 0, pending);
  }

  private denials({ request }: PendingHold, blockedBy: readonly BlockingAccount[]) {
    return blockedBy.map(({ accountId, spent: spentAmount, held: heldAmount }) => {
      const budget = request.budgets.find(({ account }) => account.id === accountId)!;
      const account = { id: accountId, spentNanoUsd: nanoUsd(spentAmount), heldNanoUsd: nanoUsd(heldAmount) };
      return holdDenial({ ...budget, account }, request.demand.minimumNanoUsd);
    });
  }

  private updateBalance(
    batch: readonly PendingHold[],
    accountId: string,
    spentAmount: bigint,
    heldAmount: bigint,
  ): void {
    for (const { request } of batch) {
      const account = request.chain.accounts.find(({ id }) => id === accountId);
      if (!account) continue;
      account.spentNanoUsd = nanoUsd(spentAmount);
      account.heldNanoUsd = nanoUsd(heldAmount);
      return;
    }
  }

  private async settleAll(): Promise<void> {
    while (this.closes.length) await this.settleEntries(this.closes.splice(0, MAX_BATCH));
    this.settling = false;
  }

  private async settleEntries(batch: readonly PendingSettlement[]): Promise<void> {
    try {
      await this.statements.settle(batch.map(({ entry }) => entry));
    } catch (error) {
      if (batch.length > 1 && !isInDoubt(error)) {
        const half = batch.length >> 1;
        await this.settleEntries(batch.slice(0, half));
        return this.settleEntries(batch.slice(half));
      }
      this.log.error(`${batch.length} settlements could not be committed yet: ${String(error)}`);
      for (const { failed } of batch) failed(error);
      return;
    }
    for (const { done } of batch) done();
    this.mayFit = true;
    this.wake();
  }
}
