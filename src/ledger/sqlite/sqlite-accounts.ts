import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { Database } from '../../database/database.js';
import { nanoUsd } from '../../policy/money.js';
import type { AccountSpec } from '../account.js';
import { type AccountNeed, Accounts } from '../accounts.js';
import { spentBeforeWindow } from '../spent-before-window.js';
import { adjust, type Adjustment } from '../adjustments.js';

/** Balances are in memory: loaded once, and changed there with every commit. */
@Injectable()
export class SqliteAccounts extends Accounts {
  readonly areBalances = true;

  constructor(database: Database, @Inject(CLOCK) clock: Clock) {
    super(database, clock);
  }

  async refresh(): Promise<void> {}

  protected adjusted(adjustments: readonly Adjustment[]): void {
    for (const { account, amount } of adjustments) {
      const live = this.loaded.get(account.id);
      if (live) live.spentNanoUsd = nanoUsd(live.spentNanoUsd + amount);
    }
  }

  protected async makeRows(tx: EntityManager, specs: readonly AccountSpec[]): Promise<void> {
    await this.opened(
      tx,
      specs.filter(({ id }) => !this.loaded.has(id)),
    );
  }

  /** From the turn that reads them on they are in memory: whoever changes them later finds them there. */
  protected open(needs: readonly AccountNeed[]): Promise<void> {
    const specs = needs.map(({ account }) => account);
    return this.database.write(async (tx) => {
      const spent = await this.opened(tx, specs);
      this.database.afterCommit(tx, () => {
        this.evictIdle();
        for (const spec of specs) this.remember(spec, spent.get(spec.id) ?? 0n);
      });
    }, 'ledger');
  }

  /** What was spent on them. A window that begins with something gets one adjustment entry, so that the ledger still adds up. */
  private async opened(
    tx: EntityManager,
    specs: readonly AccountSpec[],
  ): Promise<ReadonlyMap<string, bigint>> {
    const stored = await this.stored(tx, specs);
    const missing = specs.filter(({ id }) => !stored.has(id));
    const filled = await spentBeforeWindow(tx, this.database, missing);
    const adjustments = missing.flatMap((account) => {
      const amount = filled.get(account.id);
      return amount === undefined ? [] : [{ account, amount }];
    });
    if (adjustments.length) await adjust(tx, this.database, adjustments, this.clock());
    return new Map([...filled, ...Array.from(stored, ([id, { spent }]) => [id, spent] as const)]);
  }
}
