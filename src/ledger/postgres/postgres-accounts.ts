import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { Database } from '../../database/database.js';
import type { AccountSpec, LiveAccount } from '../account.js';
import { type AccountNeed, Accounts } from '../accounts.js';
import { spentBeforeWindow } from '../spent-before-window.js';
import { adjust } from '../adjustments.js';
import { jsonRowset } from '../../database/json-rowset.js';

const NONE: ReadonlySet<string> = new Set();

/**
 * The accounts on PostgreSQL: rows hold the balances, and memory holds the last seen ones, good for a guess and never
 * for a decision. Accounts with a limit count holds in their row. All others only collect deltas, so calls do not
 * queue for one row.
 */
@Injectable()
export class PostgresAccounts extends Accounts {
  readonly areBalances = false;
  private readonly countingHolds = new WeakSet<LiveAccount>();

  constructor(database: Database, @Inject(CLOCK) clock: Clock) {
    super(database, clock);
  }

  async refresh(accounts: readonly LiveAccount[]): Promise<void> {
    const stored = await this.storedNow(accounts);
    for (const { id, spec } of accounts) {
      const row = stored.get(id);
      if (row) this.remember(spec, row.spentNanoUsd, row.heldNanoUsd ?? 0n);
    }
  }

  /** Does nothing: the next hold returns the new balance. */
  protected applyAdjustments(): void {}

  protected makeRows(tx: EntityManager, specs: readonly AccountSpec[]): Promise<void> {
    return this.createRows(tx, specs, NONE);
  }

  protected override has(need: AccountNeed): boolean {
    const account = this.loaded.get(need.account.id);
    return account !== undefined && (need.limitNanoUsd === null || this.countingHolds.has(account));
  }

  protected async open(needs: readonly AccountNeed[]): Promise<void> {
    const specs = needs.map(({ account }) => account);
    const limited = new Set(
      needs.filter(({ limitNanoUsd }) => limitNanoUsd !== null).map(({ account }) => account.id),
    );
    let stored = await this.storedNow(specs);
    const missing = specs.filter(({ id }) => !stored.has(id));
    if (missing.length) {
      await this.database.write((tx) => this.createRows(tx, missing, limited), 'ledger');
      stored = await this.storedNow(specs);
    }
    const uncounted = specs.filter(({ id }) => limited.has(id) && stored.get(id)?.heldNanoUsd === null);
    if (uncounted.length) {
      await this.database.write(
        (tx) => tx.query('SELECT tollgate_count_holds($1)', [uncounted.map(({ id }) => id)]),
        'ledger',
      );
      stored = await this.storedNow(specs);
    }
    this.evictIdle();
    for (const spec of specs) {
      const { spentNanoUsd, heldNanoUsd } = stored.get(spec.id)!;
      this.remember(spec, spentNanoUsd, heldNanoUsd ?? 0n);
      if (heldNanoUsd !== null) this.countingHolds.add(this.loaded.get(spec.id)!);
    }
  }

  private storedNow(specs: readonly { readonly id: string }[]): ReturnType<PostgresAccounts['stored']> {
    return this.database.read((manager) => this.stored(manager, specs), 'ledger');
  }

  /** Creates the rows. If several processes create an account at once, only one adds its prior spend. */
  private async createRows(
    tx: EntityManager,
    specs: readonly AccountSpec[],
    limited: ReadonlySet<string>,
  ): Promise<void> {
    const columns = {
      id: 'varchar',
      scope_kind: 'varchar',
      scope_id: 'varchar',
      window_id: 'varchar',
      window_start: 'bigint',
      held: 'bigint',
    } as const;
    const rows = specs.map(({ id, scopeKind, scopeId, windowId, window }) => ({
      id,
      scope_kind: scopeKind,
      scope_id: scopeId,
      window_id: windowId,
      window_start: window?.start.getTime() ?? null,
      held: limited.has(id) ? '0' : null,
    }));
    const created: { id: string }[] = await tx.query(
      `INSERT INTO accounts (id, scope_kind, scope_id, window_id, window_start, spent_nano_usd, held_nano_usd)
       SELECT r.id, r.scope_kind, r.scope_id, r.window_id, r.window_start, 0, r.held
       FROM ${jsonRowset(columns, this.database)} AS r ORDER BY r.id ON CONFLICT DO NOTHING RETURNING id`,
      [JSON.stringify(rows)],
    );
    const createdIds = new Set(created.map(({ id }) => id));
    const createdSpecs = specs.filter(({ id }) => createdIds.has(id));
    const spent = await spentBeforeWindow(tx, this.database, createdSpecs);
    const withPriorSpend = createdSpecs.filter(({ id }) => spent.has(id));
    if (!withPriorSpend.length) return;
    await adjust(
      tx,
      this.database,
      withPriorSpend.map((account) => ({ account, amount: spent.get(account.id)! })),
      this.clock(),
    );
  }
}
