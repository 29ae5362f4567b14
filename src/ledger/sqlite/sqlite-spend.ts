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

/** Balances in the memory of the one process; the database keeps the ledger. */
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

  /** Calls that died with an earlier process are billed by rule before the first new one is let in. */
  async onApplicationBootstrap(): Promise<void> {
    const count = await settleAbandoned(this.database, this.config.general.abandonedHolds, this.clock());
    if (!count) return;
    this.metrics.entries.inc({ kind: 'abandoned' }, count);
    new Logger(SqliteSpend.name).warn(
      `${count} calls of an earlier process were abandoned; billed their ${this.config.general.abandonedHolds}.`,
    );
  }

  protected async take(id: string, request: HoldRequest, ending?: ClosedEntry): Promise<HoldResult> {
    const { chain, replaces: instead } = request;
    const taking = this.reservations.take(request);
    const taken = taking instanceof Promise ? await taking : taking;
    if (!('amountNanoUsd' in taken)) return taken;
    try {
      await this.ledger.open(
        { id, request, boundNanoUsd: taken.amountNanoUsd, openedAt: this.clock() },
        ending && { entry: ending, chain: instead!.hold.chain },
      );
    } catch (error) {
      if (instead) this.reservations.putBack(instead.hold);
      this.reservations.giveBack(chain, taken.amountNanoUsd);
      for (const account of chain.accounts) account.unsettled--;
      throw error;
    }
    for (const account of instead?.hold.chain.accounts ?? []) account.unsettled--;
    return taken;
  }

  /** A released hold is free money at once: nothing was produced, whatever happens to its row. */
  protected ended({ state }: ClosedEntry, { chain, boundNanoUsd }: Hold): void {
    if (state === 'released') this.reservations.giveBack(chain, boundNanoUsd);
  }

  protected async commit(entry: ClosedEntry, { chain, boundNanoUsd }: Hold): Promise<void> {
    await this.ledger.close(entry, chain);
    for (const account of chain.accounts) {
      account.spentNanoUsd = nanoUsd(account.spentNanoUsd + entry.costNanoUsd);
      account.unsettled--;
    }
    if (entry.state === 'settled') this.reservations.giveBack(chain, boundNanoUsd);
  }
}
