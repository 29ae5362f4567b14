import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../clock.js';
import { Database } from '../database/database.js';
import { nanoUsd, ZERO_NANO_USD } from '../policy/money.js';
import { type AccountSpec, endlessAccount, type LiveAccount } from './account.js';
import { adjust } from './adjustments.js';
import { rowsOf } from './rows-of.js';

const MAX_ACCOUNTS = 500_000;

/** The accounts of this process, loaded on first use. While one is in memory there is exactly one of it. */
@Injectable()
export class Accounts {
  private readonly loaded = new Map<string, LiveAccount>();
  private readonly loading = new Map<string, Promise<void>>();
  private generationNow = 1;

  constructor(
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Grows when accounts leave memory: whoever keeps references must ask again then. */
  get generation(): number {
    return this.generationNow;
  }

  /** Those already in memory; undefined if one is not. */
  peek(specs: readonly AccountSpec[]): LiveAccount[] | undefined {
    const accounts: LiveAccount[] = [];
    for (const { id } of specs) {
      const account = this.loaded.get(id);
      if (!account) return undefined;
      accounts.push(account);
    }
    return accounts;
  }

  /** The accounts, loaded if need be. Throws when the database does not answer. */
  async load(specs: readonly AccountSpec[]): Promise<LiveAccount[]> {
    for (;;) {
      const accounts = this.peek(specs);
      if (accounts) return accounts;
      const missing = specs.filter(({ id }) => !this.loaded.has(id) && !this.loading.has(id));
      if (missing.length) this.startLoading(missing);
      await Promise.all(specs.map(({ id }) => this.loading.get(id)));
    }
  }

  private startLoading(specs: readonly AccountSpec[]): void {
    const done = this.read(specs).finally(() => specs.forEach(({ id }) => this.loading.delete(id)));
    for (const { id } of specs) this.loading.set(id, done);
  }

  private async read(specs: readonly AccountSpec[]): Promise<void> {
    const stored = await this.stored(specs);
    const filled = await this.fill(specs.filter(({ id }) => !stored.has(id)));
    this.evictIdle();
    for (const spec of specs) {
      this.loaded.set(spec.id, {
        id: spec.id,
        spec,
        spentNanoUsd: nanoUsd(stored.get(spec.id) ?? filled.get(spec.id) ?? 0n),
        heldNanoUsd: ZERO_NANO_USD,
        unsettled: 0,
      });
    }
  }

  /** What is committed, for accounts that may not be in memory. */
  async spentOn(specs: readonly AccountSpec[]): Promise<Map<string, bigint>> {
    const stored = await this.stored(specs);
    const before = await this.spentBefore(specs.filter(({ id }) => !stored.has(id)));
    return new Map([...before, ...stored]);
  }

  private async stored(specs: readonly AccountSpec[]): Promise<Map<string, bigint>> {
    const ids = specs.map(({ id }) => ({ id }));
    const rows = await this.database.read<{ id: string; spent: string }[]>(
      (manager) =>
        manager.query(
          `SELECT a.id AS id, CAST(a.spent_nano_usd AS text) AS spent FROM accounts a
           JOIN ${rowsOf({ id: 'varchar' }, this.database)} AS r ON a.id = r.id`,
          [JSON.stringify(ids)],
        ),
      'ledger',
    );
    return new Map(rows.map(({ id, spent }) => [id, BigInt(spent)]));
  }

  /**
   * What the scopes of these windows spent since the windows opened, before anyone used them: a duration or a time zone
   * was changed in the middle. Almost always nothing.
   */
  private async spentBefore(specs: readonly AccountSpec[]): Promise<Map<string, bigint>> {
    const windows = specs.flatMap(({ id, scopeKind, scopeId, countsFrom }) =>
      countsFrom
        ? [{ id, endless_id: endlessAccount(scopeKind, scopeId).id, counts_from: countsFrom.getTime() }]
        : [],
    );
    if (!windows.length) return new Map();
    const columns = { id: 'varchar', endless_id: 'varchar', counts_from: 'bigint' } as const;
    const rows = await this.database.read<{ id: string; spent: string }[]>(
      (manager) =>
        manager.query(
          `SELECT r.id AS id, CAST(sum(e.cost_nano_usd) AS text) AS spent FROM ${rowsOf(columns, this.database)} AS r
           JOIN postings p ON p.account_id = r.endless_id
           JOIN ledger_entries e ON e.chain_id = p.chain_id
           WHERE e.state = 'settled' AND e.closed_at >= r.counts_from AND e.cost_nano_usd <> 0 GROUP BY r.id`,
          [JSON.stringify(windows)],
        ),
      'ledger',
    );
    return new Map(rows.map(({ id, spent }) => [id, BigInt(spent)]));
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

  private evictIdle(): void {
    if (this.loaded.size < MAX_ACCOUNTS) return;
    let toGo = MAX_ACCOUNTS / 4;
    for (const account of this.loaded.values()) {
      if (toGo === 0) break;
      if (account.unsettled || account.heldNanoUsd !== ZERO_NANO_USD) continue;
      this.loaded.delete(account.id);
      toGo--;
    }
    this.generationNow++;
  }
}
