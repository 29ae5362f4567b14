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
 * Balances are rows. Memory has what was last seen of them: good for a guess, never for a decision. Accounts with a limit
 * count what is held in their row; all others only collect deltas, so that no row serialises everyone.
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
      if (row) this.remember(spec, row.spent, row.held ?? 0n);
    }
  }

  /** The next hold sees it. */
  protected adjusted(): void {}

  protected makeRows(tx: EntityManager, specs: readonly AccountSpec[]): Promise<void> {
    return this.make(tx, specs, NONE);
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
      await this.database.write((tx) => this.make(tx, missing, limited), 'ledger');
      stored = await this.storedNow(specs);
    }
    const uncounted = specs.filter(({ id }) => limited.has(id) && stored.get(id)?.held === null);
    if (uncounted.length) {
      await this.database.write(
        (tx) => tx.query('SELECT tollgate_count_holds($1)', [uncounted.map(({ id }) => id)]),
        'ledger',
      );
      stored = await this.storedNow(specs);
    }
    this.evictIdle();
    for (const spec of specs) {
      const { spent, held } = stored.get(spec.id)!;
      this.remember(spec, spent, held ?? 0n);
      if (held !== null) this.countingHolds.add(this.loaded.get(spec.id)!);
    }
  }

  private storedNow(specs: readonly { readonly id: string }[]): ReturnType<PostgresAccounts['stored']> {
    return this.database.read((manager) => this.stored(manager, specs), 'ledger');
  }

  /** Of any number of processes that make an account at once, one fills it. */
  private async make(
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
    const made: { id: string }[] = await tx.query(
      `INSERT INTO accounts (id, scope_kind, scope_id, window_id, window_start, spent_nano_usd, held_nano_usd)
       SELECT r.id, r.scope_kind, r.scope_id, r.window_id, r.window_start, 0, r.held
       FROM ${jsonRowset(columns, this.database)} AS r ORDER BY r.id ON CONFLICT DO NOTHING RETURNING id`,
      [JSON.stringify(rows)],
    );
    const mine = new Set(made.map(({ id }) => id));
    const fresh = specs.filter(({ id }) => mine.has(id));
    const spent = await spentBeforeWindow(tx, this.database, fresh);
    const filled = fresh.filter(({ id }) => spent.has(id));
    if (!filled.length) return;
    await adjust(
      tx,
      this.database,
      filled.map((account) => ({ account, amount: spent.get(account.id)! })),
      this.clock(),
    );
  }
}
