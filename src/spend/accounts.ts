import type { Clock } from '../clock.js';
import type { Database } from '../database/database.js';
import { type NanoUsd, nanoUsd, ZERO_NANO_USD } from '../policy/money.js';
import { type AccountSpec, endlessAccount, type LiveAccount } from './account.js';
import { DAY_MS } from './retention.js';
import { rowsOf } from './rows-of.js';

const MAX_ACCOUNTS = 500_000;

/** An account that is needed, and whether a limit counts on it. */
export interface AccountNeed {
  readonly account: AccountSpec;
  readonly limitNanoUsd: NanoUsd | null;
}

/** The accounts this process knows, loaded on first use. While one is in memory there is exactly one of it. */
export abstract class Accounts {
  protected readonly loaded = new Map<string, LiveAccount>();
  private readonly loading = new Map<string, Promise<void>>();
  private generationNow = 1;

  constructor(
    protected readonly database: Database,
    protected readonly clock: Clock,
  ) {}

  /** True: what is in memory is the truth. False: only the hold knows, and memory has what was last seen. */
  abstract readonly areBalances: boolean;

  /** Grows when accounts leave memory: whoever keeps references must ask again then. */
  get generation(): number {
    return this.generationNow;
  }

  /** The accounts, loaded if need be. Throws when the database does not answer. */
  async load(needs: readonly AccountNeed[]): Promise<LiveAccount[]> {
    for (;;) {
      const missing = needs.filter((need) => !this.has(need));
      if (!missing.length) return needs.map(({ account }) => this.loaded.get(account.id)!);
      const unasked = missing.filter(({ account }) => !this.loading.has(account.id));
      if (unasked.length) this.startLoading(unasked);
      await Promise.all(missing.map(({ account }) => this.loading.get(account.id)));
    }
  }

  /** Reads the balances of accounts in memory anew, where memory is not the truth. */
  abstract refresh(accounts: readonly LiveAccount[]): Promise<void>;

  /** What is committed, for accounts that may not be in memory. */
  async spentOn(specs: readonly AccountSpec[]): Promise<Map<string, bigint>> {
    const stored = await this.stored(specs);
    const before = await this.spentBefore(specs.filter(({ id }) => !stored.has(id)));
    return new Map([...before, ...Array.from(stored, ([id, { spent }]) => [id, spent] as const)]);
  }

  protected has({ account }: AccountNeed): boolean {
    return this.loaded.has(account.id);
  }

  /** Makes the accounts known, and their rows if they must have one. */
  protected abstract open(needs: readonly AccountNeed[]): Promise<void>;

  protected remember(spec: AccountSpec, spent: bigint, held = 0n): void {
    const known = this.loaded.get(spec.id);
    const balance = { spentNanoUsd: nanoUsd(spent), heldNanoUsd: held ? nanoUsd(held) : ZERO_NANO_USD };
    if (known) Object.assign(known, balance);
    else this.loaded.set(spec.id, { id: spec.id, spec, ...balance, unsettled: 0 });
  }

  /** The rows there are. What is held is null where it is not counted. */
  protected async stored(
    specs: readonly { readonly id: string }[],
  ): Promise<Map<string, { readonly spent: bigint; readonly held: bigint | null }>> {
    const ids = specs.map(({ id }) => ({ id }));
    const rows = await this.database.read<{ id: string; spent: string; held: string | null }[]>(
      (manager) =>
        manager.query(
          `SELECT a.id AS id, CAST(a.held_nano_usd AS text) AS held,
             CAST(a.spent_nano_usd + coalesce((SELECT sum(d.amount_nano_usd) FROM account_deltas d WHERE d.account_id = a.id), 0) AS text) AS spent
           FROM accounts a JOIN ${rowsOf({ id: 'varchar' }, this.database)} AS r ON a.id = r.id`,
          [JSON.stringify(ids)],
        ),
      'ledger',
    );
    return new Map(
      rows.map(({ id, spent, held }) => [
        id,
        { spent: BigInt(spent), held: held === null ? null : BigInt(held) },
      ]),
    );
  }

  /**
   * What the scopes of these windows spent on calls opened since the windows did, before anyone used them: a duration or
   * a time zone was changed in the middle. Almost always nothing. Of days that are folded into sums the first counts as
   * a whole: rather too much than too little.
   */
  protected async spentBefore(specs: readonly AccountSpec[]): Promise<Map<string, bigint>> {
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
          `WITH opened AS (
             SELECT r.id AS id, r.counts_from AS counts_from, p.chain_id AS chain_id
             FROM ${rowsOf(columns, this.database)} AS r JOIN postings p ON p.account_id = r.endless_id
           )
           SELECT id, CAST(sum(cost) AS text) AS spent FROM (
             SELECT o.id AS id, e.cost_nano_usd AS cost FROM opened o JOIN ledger_entries e ON e.chain_id = o.chain_id
             WHERE e.state = 'settled' AND e.opened_at >= o.counts_from
             UNION ALL
             SELECT o.id AS id, d.cost_nano_usd AS cost FROM opened o JOIN ledger_days d ON d.chain_id = o.chain_id
             WHERE d.day + ${DAY_MS} > o.counts_from
           ) AS costs WHERE cost <> 0 GROUP BY id`,
          [JSON.stringify(windows)],
        ),
      'ledger',
    );
    return new Map(rows.map(({ id, spent }) => [id, BigInt(spent)]));
  }

  protected evictIdle(): void {
    if (this.loaded.size < MAX_ACCOUNTS) return;
    let toGo = MAX_ACCOUNTS / 4;
    for (const account of this.loaded.values()) {
      if (toGo === 0) break;
      if (account.unsettled || (this.areBalances && account.heldNanoUsd !== ZERO_NANO_USD)) continue;
      this.loaded.delete(account.id);
      toGo--;
    }
    this.generationNow++;
  }

  private startLoading(needs: readonly AccountNeed[]): void {
    const done = this.open(needs).finally(() =>
      needs.forEach(({ account }) => this.loading.delete(account.id)),
    );
    for (const { account } of needs) this.loading.set(account.id, done);
  }
}
