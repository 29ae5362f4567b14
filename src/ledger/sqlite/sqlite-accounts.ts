import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { Database } from '../../database/database.js';
import { nanoUsd } from '../../policy/money.js';
import type { AccountSpec } from '../account.js';
import { type AccountNeed, Accounts } from '../accounts.js';
import { spentBeforeWindow } from '../spent-before-window.js';
import { adjust, type Adjustment } from '../adjustments.js';

/** The accounts on SQLite: memory holds the balances, loaded once and changed with every commit. */
@Injectable()
export class SqliteAccounts extends Accounts {
  readonly areBalances = true;

  constructor(database: Database, @Inject(CLOCK) clock: Clock) {
    super(database, clock);
  }

  async refresh(): Promise<void> {}

  protected applyAdjustments(adjustments: readonly Adjustment[]): void {
    for (const { account, amount } of adjustments) {
      const live = this.loaded.get(account.id);
      if (live) live.spentNanoUsd = nanoUsd(live.spentNanoUsd + amount);
    }
  }

  protected async makeRows(tx: EntityManager, specs: readonly AccountSpec[]): Promise<void> {
    await this.readOrCreate(
      tx,
      specs.filter(({ id }) => !this.loaded.has(id)),
    );
  }

  /** Puts the accounts into memory in the turn that reads them, so later changes find them there. */
  protected open(needs: readonly AccountNeed[]): Promise<void> {
    const specs = needs.map(({ account }) => account);
    return this.database.write(async (tx) => {
      const spent = await this.readOrCreate(tx, specs);
      this.database.afterCommit(tx, () => {
        this.evictIdle();
        for (const spec of specs) this.remember(spec, spent.get(spec.id) ?? 0n);
      });
    }, 'ledger');
  }

  /**
   * Returns the spend of accounts. A new window with prior spend gets one adjustment entry, so the ledger still adds
   * up.
   */
  private async readOrCreate(
    tx: EntityManager,
    specs: readonly AccountSpec[],
  ): Promise<ReadonlyMap<string, bigint>> {
    const stored = await this.stored(tx, specs);
    const missing = specs.filter(({ id }) => !stored.has(id));
    const priorSpend = await spentBeforeWindow(tx, this.database, missing);
    const adjustments = missing.flatMap((account) => {
      const amount = priorSpend.get(account.id);
      return amount === undefined ? [] : [{ account, amount }];
    });
    if (adjustments.length) await adjust(tx, this.database, adjustments, this.clock());
    return new Map([
      ...priorSpend,
      ...Array.from(stored, ([id, { spentNanoUsd }]) => [id, spentNanoUsd] as const),
    ]);
  }
}
