import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { nanoUsd, ZERO_NANO_USD } from '../policy/money.js';
import type { AccountSpec, LiveAccount } from './account.js';

const MAX_ACCOUNTS = 500_000;

/** The accounts of this process, loaded on first use. While one is in memory there is exactly one of it. */
@Injectable()
export class Accounts {
  private readonly loaded = new Map<string, LiveAccount>();
  private readonly loading = new Map<string, Promise<void>>();
  private generationNow = 1;

  constructor(private readonly database: Database) {}

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
    const spent = await this.spentOf(specs.map(({ id }) => id));
    this.evictIdle();
    for (const spec of specs) {
      this.loaded.set(spec.id, {
        id: spec.id,
        spec,
        spentNanoUsd: nanoUsd(spent.get(spec.id) ?? 0n),
        heldNanoUsd: ZERO_NANO_USD,
        unsettled: 0,
      });
    }
  }

  /** What is committed, for accounts that may not be in memory. */
  async spentOf(ids: readonly string[]): Promise<Map<string, bigint>> {
    const rows = await this.database.read<{ id: string; spent: string }[]>(
      (manager) =>
        manager.query(
          this.database.isPostgres
            ? `SELECT id, spent_nano_usd::text AS spent FROM accounts WHERE id = ANY($1::varchar[])`
            : `SELECT id, CAST(spent_nano_usd AS TEXT) AS spent FROM accounts WHERE id IN (SELECT value FROM json_each(?))`,
          [this.database.isPostgres ? ids : JSON.stringify(ids)],
        ),
      'ledger',
    );
    return new Map(rows.map(({ id, spent }) => [id, BigInt(spent)]));
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
