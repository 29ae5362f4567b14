import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../../clock.js';
import { Database } from '../../database/database.js';
import { nanoUsd } from '../../policy/money.js';
import type { AccountSpec } from '../account.js';
import { type AccountNeed, Accounts } from '../accounts.js';
import { adjust, type Adjustment } from '../adjustments.js';

/** Balances are in memory: loaded once, and changed there with every commit. */
@Injectable()
export class EmbeddedAccounts extends Accounts {
  readonly areBalances = true;

  constructor(database: Database, @Inject(CLOCK) clock: Clock) {
    super(database, clock);
  }

  async refresh(): Promise<void> {}

  protected adjusted(adjustments: readonly Adjustment[]): void {
    for (const { account, amount } of adjustments) {
      const live = this.loaded.get(account.id)!;
      live.spentNanoUsd = nanoUsd(live.spentNanoUsd + amount);
    }
  }

  protected async open(needs: readonly AccountNeed[]): Promise<void> {
    const specs = needs.map(({ account }) => account);
    const stored = await this.stored(specs);
    const filled = await this.fill(specs.filter(({ id }) => !stored.has(id)));
    this.evictIdle();
    for (const spec of specs) this.remember(spec, stored.get(spec.id)?.spent ?? filled.get(spec.id) ?? 0n);
  }

  /** Opens windows that begin with something spent: one adjustment entry each, so that the ledger still adds up. */
  private async fill(specs: readonly AccountSpec[]): Promise<ReadonlyMap<string, bigint>> {
    const spent = await this.spentBefore(specs);
    const filled = specs.filter(({ id }) => spent.has(id));
    if (filled.length) {
      await this.database.write(
        (tx) =>
          adjust(
            tx,
            this.database,
            filled.map((account) => ({ account, amount: spent.get(account.id)! })),
            this.clock(),
          ),
        'ledger',
      );
    }
    return spent;
  }
}
