import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { CONFIG, type Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import { Metrics } from '../../metrics/metrics.js';
import { nanoUsd } from '../../policy/money.js';
import { TouchedAccounts } from '../touched-accounts.js';
import {
  type ClosedEntry,
  type Hold,
  type HoldRequest,
  SpendService,
  type HoldResult,
} from '../spend.service.js';
import { settleAbandoned } from './abandoned.js';
import { Ledger } from './ledger.js';
import { Reservations } from './reservations.js';

/** Moves money on SQLite: balances are in the memory of the one process, the ledger is in the database. */
@Injectable()
export class SqliteSpend extends SpendService implements OnApplicationBootstrap {
  constructor(
    private readonly ledger: Ledger,
    private readonly reservations: Reservations,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
    touchedAccounts: TouchedAccounts,
    metrics: Metrics,
    @Inject(CLOCK) clock: Clock,
  ) {
    super(touchedAccounts, metrics, clock);
  }

  /** Bills the calls of a dead process by the configured rule, before the first new call is accepted. */
  async onApplicationBootstrap(): Promise<void> {
    const count = await settleAbandoned(this.database, this.config.general.abandonedHolds, this.clock());
    if (!count) return;
    this.metrics.entries.inc({ kind: 'abandoned' }, count);
    new Logger(SqliteSpend.name).warn(
      `${count} calls of an earlier process were abandoned; billed their ${this.config.general.abandonedHolds}.`,
    );
  }

  protected async commitHold(id: string, request: HoldRequest, ending?: ClosedEntry): Promise<HoldResult> {
    const { chain, replaces: replaced } = request;
    const pending = this.reservations.reserve(request);
    const result = pending instanceof Promise ? await pending : pending;
    if (!('amountNanoUsd' in result)) return result;
    try {
      await this.ledger.open(
        { id, request, boundNanoUsd: result.amountNanoUsd, openedAt: this.clock() },
        ending && { entry: ending, chain: replaced!.hold.chain },
      );
    } catch (error) {
      if (replaced) this.reservations.restore(replaced.hold);
      this.reservations.release(chain, result.amountNanoUsd);
      for (const account of chain.accounts) account.unsettled--;
      throw error;
    }
    for (const account of replaced?.hold.chain.accounts ?? []) account.unsettled--;
    return result;
  }

  /** Frees the money of a released hold at once: nothing was produced, even if the write of its row fails. */
  protected onEnded({ state }: ClosedEntry, { chain, boundNanoUsd }: Hold): void {
    if (state === 'released') this.reservations.release(chain, boundNanoUsd);
  }

  protected async commit(entry: ClosedEntry, { chain, boundNanoUsd }: Hold): Promise<void> {
    await this.ledger.close(entry, chain);
    for (const account of chain.accounts) {
      account.spentNanoUsd = nanoUsd(account.spentNanoUsd + entry.costNanoUsd);
      account.unsettled--;
    }
    if (entry.state === 'settled') this.reservations.release(chain, boundNanoUsd);
  }
}
