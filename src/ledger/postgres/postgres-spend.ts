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
import { isCollision, isInDoubt, isOfData, STATEMENT_TIMEOUT_MS } from './ledger-connection.js';
import {
  type HoldAnswer,
  type HoldCommand,
  type HoldOutcome,
  LedgerStatements,
  type BlockingAccount,
} from './ledger-statements.js';
import { Replicas } from './replicas.js';

interface Asking {
  readonly id: string;
  readonly request: HoldRequest;
  readonly ending: ClosedEntry | undefined;
  /** When it waits no longer, on the clock of `performance.now()`. */
  readonly deadline: number;
  readonly tell: (taken: HoldResult) => void;
  readonly fail: (error: unknown) => void;
  /** The account whose holds are in its way. */
  waitsFor?: string;
}

interface Closing {
  readonly entry: ClosedEntry;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** As many calls one statement holds for, and as many settle in one. */
const MOST_AT_ONCE = 500;
const MAX_WAITERS = 1_000;
/** How often waiting calls ask again when nothing ends here: a hold may have ended elsewhere. */
const ASK_AGAIN_MS = 50;
const TRIES = 3;
const TRY_AGAIN_MS = 100;

/**
 * Balances in the rows of PostgreSQL, any number of processes. All holds of a tick are one statement, and so are all
 * settlements; the next starts when the last one is done. Who has to wait asks again, first come, first served.
 */
@Injectable()
export class PostgresSpend extends SpendService {
  private readonly log = new Logger(PostgresSpend.name);
  private fresh: Asking[] = [];
  private waiting: Asking[] = [];
  /** Something ended, or time passed: whoever waits asks again. */
  private mayFit = false;
  private askAgainAt = Infinity;
  private holding = false;
  private askAgain: NodeJS.Timeout | undefined;
  private closes: Closing[] = [];
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

  protected take(id: string, request: HoldRequest, ending?: ClosedEntry): Promise<HoldResult> {
    return new Promise((tell, fail) => {
      const deadline = performance.now() + this.config.general.budgetWaitMs;
      this.admit({ id, request, ending, deadline, tell, fail });
      this.wake();
    });
  }

  protected ended(): void {}

  protected commit(entry: ClosedEntry): Promise<void> {
    return new Promise((done, failed) => {
      this.closes.push({ entry, done, failed });
      if (this.settling) return;
      this.settling = true;
      setImmediate(() => void this.settleAll());
    });
  }

  /** Whoever comes to an account that others wait for here stands behind them, unless it holds something already. */
  private admit(asking: Asking): void {
    const { request } = asking;
    const queued =
      this.waiting.length && !asking.ending && request.demand.wantedNanoUsd !== ZERO_NANO_USD
        ? request.budgets.find(({ account }) => this.waiting.some(({ waitsFor }) => waitsFor === account.id))
        : undefined;
    if (!queued) this.fresh.push(asking);
    // The line is full: it takes what fits now, or is told to try again.
    else if (this.isFull(queued.account.id)) this.fresh.push({ ...asking, deadline: 0 });
    else this.waiting.push(Object.assign(asking, { waitsFor: queued.account.id }));
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
      // Whoever came while a statement ran may find a line by now.
      for (const asking of this.fresh.splice(0)) this.admit(asking);
      const due = this.mayFit || performance.now() >= this.askAgainAt ? this.waiting.splice(0) : [];
      if (due.length) this.askAgainAt = performance.now() + ASK_AGAIN_MS;
      this.mayFit = false;
      const batch = [...due, ...this.fresh.splice(0)];
      const rest = batch.splice(MOST_AT_ONCE);
      await this.holdFor(batch.filter(({ ending }) => ending));
      await this.holdFor(batch.filter(({ ending }) => !ending));
      // What is left over keeps its place: waiting calls before those that are new.
      this.waiting.push(...rest.filter(({ waitsFor }) => waitsFor !== undefined));
      this.fresh.unshift(...rest.filter(({ waitsFor }) => waitsFor === undefined));
      if (rest.length) this.mayFit = true;
    }
    this.holding = false;
    this.scheduleNext();
  }

  private scheduleNext(): void {
    clearTimeout(this.askAgain);
    if (!this.waiting.length) return;
    const soonest = Math.min(...this.waiting.map(({ deadline }) => deadline));
    this.askAgainAt = Math.min(performance.now() + ASK_AGAIN_MS, soonest);
    this.askAgain = setTimeout(
      () => {
        this.mayFit = true;
        this.wake();
      },
      Math.max(0, this.askAgainAt - performance.now()),
    );
  }

  private async holdFor(batch: readonly Asking[]): Promise<void> {
    if (!batch.length) return;
    const now = performance.now();
    const asks = batch.map(({ id, request, ending, deadline }) => ({
      id,
      request,
      ending,
      last: deadline <= now,
    }));
    let inDoubt = false;
    const outcome = await this.tryToHold(asks, () => (inDoubt = true)).catch((error: unknown) =>
      this.afterFailure(batch, error, inDoubt),
    );
    if (!outcome) return;
    this.writeHealth.worked('hold');
    for (const { accountId, spent, held } of outcome.balances) this.see(batch, accountId, spent, held);
    if (outcome.moved.length)
      await this.rows.evict(outcome.moved).catch((error: unknown) => this.log.warn(error));
    for (const [i, asking] of batch.entries()) this.answer(asking, outcome.answers[i]!);
    // What the old hold had more than the new one is free for others.
    if (batch.some(({ ending }, i) => ending && outcome.answers[i]!.kind === 'granted')) this.mayFit = true;
  }

  /** The same statement again while nobody knows how it ended, or others were in its way. */
  private async tryToHold(asks: readonly HoldCommand[], doubt: () => void): Promise<HoldOutcome> {
    for (let tries = 1; ; tries++) {
      this.lock.expectOurs();
      try {
        const outcome = await this.statements.hold(this.replicas.id, asks, tries > 1);
        // That it was lost before the statement may be known only now.
        this.lock.expectOurs();
        return outcome;
      } catch (error) {
        if (isInDoubt(error)) doubt();
        else if (!isCollision(error)) throw error;
        if (tries === TRIES) throw error;
        await sleep(TRY_AGAIN_MS);
      }
    }
  }

  /** A batch that is known not to be committed is split until only the call at fault fails. */
  private async afterFailure(batch: readonly Asking[], error: unknown, inDoubt: boolean): Promise<undefined> {
    if (!inDoubt && batch.length > 1 && this.lock.isOurs) {
      const half = batch.length >> 1;
      await this.holdFor(batch.slice(0, half));
      await this.holdFor(batch.slice(half));
      return;
    }
    this.log.error(`Money could not be held for ${batch.length} calls: ${String(error)}`);
    const told =
      error instanceof ServiceUnavailableException
        ? error
        : new DependencyUnavailableError('database', error);
    // A hold for nobody takes the same way.
    if (!isOfData(error))
      this.writeHealth.failed('hold', () => this.statements.hold(this.replicas.id, [], false));
    for (const { fail } of batch) fail(told);
    if (inDoubt) void this.awaited(this.forget(batch.map(({ id }) => id)));
  }

  /** Nothing was forwarded for these. Should one have been committed after all, or be yet, its money is given back. */
  private async forget(ids: readonly string[]): Promise<void> {
    const entries = ids.map((id) => ({
      id,
      state: 'released' as const,
      costNanoUsd: ZERO_NANO_USD,
      mark: null,
      usage: null,
      closedAt: this.clock(),
    }));
    // The server ends whatever still runs within this time; what it commits until then is found.
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

  private answer(asking: Asking, answer: HoldAnswer): void {
    switch (answer.kind) {
      case 'granted':
        return asking.tell({ amountNanoUsd: nanoUsd(answer.amount) });
      case 'refused':
        return asking.tell({ denials: this.denials(asking, answer.by) });
      case 'short':
        return this.wait(asking, answer.by[0]!.accountId);
      case 'closed':
        return asking.fail(new Error(`Entry ${asking.id} is closed already.`));
      default:
        return asking.tell({ outdated: true });
    }
  }

  private wait(asking: Asking, accountId: string): void {
    asking.waitsFor = accountId;
    const at = this.waiting.findIndex(({ deadline }) => deadline > asking.deadline);
    this.waiting.splice(at < 0 ? this.waiting.length : at, 0, asking);
  }

  private denials({ request }: Asking, by: readonly BlockingAccount[]) {
    return by.map(({ accountId, spent, held }) => {
      const budget = request.budgets.find(({ account }) => account.id === accountId)!;
      const account = { id: accountId, spentNanoUsd: nanoUsd(spent), heldNanoUsd: nanoUsd(held) };
      return holdDenial({ ...budget, account }, request.demand.minimumNanoUsd);
    });
  }

  private see(batch: readonly Asking[], accountId: string, spent: bigint, held: bigint): void {
    for (const { request } of batch) {
      const account = request.chain.accounts.find(({ id }) => id === accountId);
      if (!account) continue;
      account.spentNanoUsd = nanoUsd(spent);
      account.heldNanoUsd = nanoUsd(held);
      return;
    }
  }

  private async settleAll(): Promise<void> {
    while (this.closes.length) await this.settleEntries(this.closes.splice(0, MOST_AT_ONCE));
    this.settling = false;
  }

  private async settleEntries(batch: readonly Closing[]): Promise<void> {
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
