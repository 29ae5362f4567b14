import type { EntityManager } from 'typeorm';
import { type Clock, DAY_MS } from '../clock.js';
import type { Database } from '../database/database.js';
import { MAX_NANO_USD, type NanoUsd, nanoUsd, ZERO_NANO_USD } from '../policy/money.js';
import { type AccountSpec, endlessAccount, type LiveAccount } from './account.js';
import { adjust, type Adjustment } from './adjustments.js';
import type { ChainNames } from './chain.js';
import { rowsOf } from './rows-of.js';

const MAX_ACCOUNTS = 500_000;

/** An account that is needed, and whether a limit counts on it. */
export interface AccountNeed {
  readonly account: AccountSpec;
  readonly limitNanoUsd: NanoUsd | null;
}

/** What somebody's accounts are to say from now on. */
export interface Correction {
  /** The one that is set … */
  readonly account: AccountSpec;
  readonly spentNanoUsd: NanoUsd;
  /** … and the others of the same party, which move by as much. */
  readonly along: readonly AccountSpec[];
  readonly names: Partial<ChainNames>;
  /** Hears of the change, inside its transaction. */
  readonly audit?: (tx: EntityManager, spend: { readonly before: NanoUsd; readonly after: NanoUsd }) => void;
}

interface Balance {
  readonly spent: bigint;
  readonly held: bigint | null;
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

  /**
   * Sets what was spent, by one `adjustment` entry for each account that changes; calls under way keep what they hold.
   * No account goes below zero. Resolves when it is committed.
   */
  async correct(corrections: readonly Correction[]): Promise<void> {
    const specs = corrections.flatMap(({ account, along }) => [account, ...along]);
    const accounts = await this.load(specs.map((account) => ({ account, limitNanoUsd: null })));
    // What is written here must find them in memory when it is committed.
    for (const account of accounts) account.unsettled++;
    try {
      const adjustments = await this.database.write(async (tx) => {
        const spent = await this.spentUnderLock(tx, specs);
        const needed = corrections.flatMap((correction) => adjustmentsFor(correction, spent));
        if (needed.length) await adjust(tx, this.database, needed, this.clock());
        for (const { account, spentNanoUsd, audit } of corrections) {
          const before = nanoUsd(spent.get(account.id)!);
          if (before !== spentNanoUsd) audit?.(tx, { before, after: spentNanoUsd });
        }
        return needed;
      }, 'ledger');
      await this.adjusted(adjustments);
    } finally {
      for (const account of accounts) account.unsettled--;
    }
  }

  /** Balances were changed by these. */
  protected abstract adjusted(adjustments: readonly Adjustment[]): Promise<void> | void;

  /** What was spent on these accounts, which nobody else changes until this transaction ends. */
  private async spentUnderLock(
    tx: EntityManager,
    specs: readonly AccountSpec[],
  ): Promise<ReadonlyMap<string, bigint>> {
    // SQLite has one writer at a time, and no words for this.
    if (this.database.isPostgres) {
      await tx.query(
        `SELECT a.id FROM accounts a JOIN ${rowsOf({ id: 'varchar' }, this.database)} AS r ON a.id = r.id ORDER BY a.id FOR UPDATE OF a`,
        [JSON.stringify(specs.map(({ id }) => ({ id })))],
      );
    }
    const rows = await this.balances(tx, specs);
    return new Map(specs.map(({ id }) => [id, rows.get(id)?.spent ?? 0n]));
  }

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
  protected stored(specs: readonly { readonly id: string }[]): Promise<Map<string, Balance>> {
    return this.database.read((manager) => this.balances(manager, specs), 'ledger');
  }

  private async balances(
    manager: EntityManager,
    specs: readonly { readonly id: string }[],
  ): Promise<Map<string, Balance>> {
    const rows: { id: string; spent: string; held: string | null }[] = await manager.query(
      `SELECT a.id AS id, CAST(a.held_nano_usd AS text) AS held,
         CAST(a.spent_nano_usd + coalesce((SELECT sum(d.amount_nano_usd) FROM account_deltas d WHERE d.account_id = a.id), 0) AS text) AS spent
       FROM accounts a JOIN ${rowsOf({ id: 'varchar' }, this.database)} AS r ON a.id = r.id`,
      [JSON.stringify(specs.map(({ id }) => ({ id })))],
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
   * a time zone was changed in the middle. Almost always nothing. A correction takes off no more than had been spent by
   * then: what was spent before the window is not what pays for later calls. Of days that are folded into sums the first
   * counts as a whole, and corrections come before the calls of their day: rather too much than too little.
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
           ), costs AS (
             SELECT o.id AS id, e.cost_nano_usd AS cost, e.closed_at AS at
             FROM opened o JOIN ledger_entries e ON e.chain_id = o.chain_id
             WHERE e.state = 'settled' AND e.opened_at >= o.counts_from
             UNION ALL
             SELECT o.id AS id, d.cost_nano_usd AS cost, d.day AS at
             FROM opened o JOIN ledger_days d ON d.chain_id = o.chain_id
             WHERE d.day + ${DAY_MS} > o.counts_from
           ), sums AS (
             SELECT id, cost, sum(cost) OVER (PARTITION BY id ORDER BY at, cost ROWS UNBOUNDED PRECEDING) AS so_far
             FROM costs WHERE cost <> 0
           )
           SELECT id, CAST(sum(cost) - CASE WHEN min(so_far) < 0 THEN min(so_far) ELSE 0 END AS text) AS spent
           FROM sums GROUP BY id`,
          [JSON.stringify(windows)],
        ),
      'ledger',
    );
    return new Map(rows.flatMap(({ id, spent }) => (BigInt(spent) ? [[id, BigInt(spent)]] : [])));
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

/** The same amount on all of them, as far as each can go. The first is found by its names in reports, which count it once. */
function adjustmentsFor(
  { account, spentNanoUsd, along, names }: Correction,
  spent: ReadonlyMap<string, bigint>,
): Adjustment[] {
  const difference = spentNanoUsd - spent.get(account.id)!;
  return [account, ...along].flatMap((one, i) => {
    const before = spent.get(one.id)!;
    const after = within(before + difference);
    return after === before ? [] : [{ account: one, amount: after - before, ...(i === 0 && { names }) }];
  });
}

const within = (amount: bigint) => (amount < 0n ? 0n : amount > MAX_NANO_USD ? MAX_NANO_USD : amount);
