import type { EntityManager } from 'typeorm';
import type { Clock } from '../platform/clock.js';
import type { Database } from '../database/database.js';
import { type NanoUsd, nanoUsd, ZERO_NANO_USD } from '../policy/money.js';
import type { AccountSpec, LiveAccount } from './account.js';
import { adjust, type Adjustment } from './adjustments.js';
import { adjustmentsFor, type CorrectedAccount, type Correction } from './correction.js';
import { jsonRowset } from '../database/json-rowset.js';
import { priorSpendChainId } from './prior-spend.js';
import { spentBeforeWindow } from './spent-before-window.js';

const MAX_ACCOUNTS = 500_000;

/** An account that is needed, and whether a limit counts on it. */
export interface AccountNeed {
  readonly account: AccountSpec;
  readonly limitNanoUsd: NanoUsd | null;
}

interface Balance {
  readonly spent: bigint;
  readonly held: bigint | null;
}

/** The accounts this process knows, loaded on first use. While one is in memory there is exactly one of it. */
export abstract class Accounts {
  /** Whoever sets this hears of accounts that are corrected, inside the transaction. */
  corrected: (tx: EntityManager, accounts: readonly CorrectedAccount[]) => Promise<void> = async () => {};
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
   * Inside a transaction: sets what was spent, by one `adjustment` entry for each account that changes; calls under way
   * keep what they hold. No account goes below zero. Memory follows when the transaction is committed.
   */
  async correct(tx: EntityManager, corrections: readonly Correction[]): Promise<void> {
    const specs = corrections.flatMap(({ account, along, ofModels }) => [account, ...along, ...ofModels]);
    await this.makeRows(tx, specs);
    const spent = await this.spentUnderLock(tx, specs);
    const needed = corrections.flatMap((correction) => adjustmentsFor(correction, spent));
    if (needed.length) {
      await adjust(tx, this.database, needed, this.clock());
      await this.corrected(
        tx,
        needed.map(({ account: { id }, amount }) => ({ id, spentNanoUsd: nanoUsd(spent.get(id)! + amount) })),
      );
    }
    for (const { account, spentNanoUsd, audit } of corrections) {
      const before = nanoUsd(spent.get(account.id)!);
      if (before !== spentNanoUsd) audit?.(tx, { before, after: spentNanoUsd });
    }
    this.database.afterCommit(tx, () => this.adjusted(needed));
  }

  /** Adds what was spent before the account counted it, inside a transaction. Memory follows when that is committed. */
  async carryOver(tx: EntityManager, account: AccountSpec, amount: bigint): Promise<void> {
    await this.makeRows(tx, [account]);
    const carried = [{ account, amount, chainId: priorSpendChainId(account.id) }];
    await adjust(tx, this.database, carried, this.clock());
    this.database.afterCommit(tx, () => this.adjusted(carried));
  }

  /** Inside a transaction: accounts that nobody used before begin with what they must, on disk. */
  protected abstract makeRows(tx: EntityManager, specs: readonly AccountSpec[]): Promise<void>;

  /** Balances were changed by these, and that is committed. */
  protected abstract adjusted(adjustments: readonly Adjustment[]): void;

  /** What was spent on these accounts, which nobody else changes until this transaction ends. */
  private async spentUnderLock(
    tx: EntityManager,
    specs: readonly AccountSpec[],
  ): Promise<ReadonlyMap<string, bigint>> {
    // SQLite has one writer at a time, and no words for this.
    if (this.database.isPostgres) {
      await tx.query(
        `SELECT a.id FROM accounts a JOIN ${jsonRowset({ id: 'varchar' }, this.database)} AS r ON a.id = r.id ORDER BY a.id FOR UPDATE OF a`,
        [JSON.stringify(specs.map(({ id }) => ({ id })))],
      );
    }
    const rows = await this.stored(tx, specs);
    return new Map(specs.map(({ id }) => [id, rows.get(id)?.spent ?? 0n]));
  }

  /** What is committed, for accounts that may not be in memory. */
  spentOn(specs: readonly AccountSpec[]): Promise<Map<string, bigint>> {
    return this.database.read((manager) => this.spentIn(manager, specs), 'ledger');
  }

  /** The same as this transaction sees it. */
  async spentIn(manager: EntityManager, specs: readonly AccountSpec[]): Promise<Map<string, bigint>> {
    const stored = await this.stored(manager, specs);
    const missing = specs.filter(({ id }) => !stored.has(id));
    const before = await spentBeforeWindow(manager, this.database, missing);
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
    manager: EntityManager,
    specs: readonly { readonly id: string }[],
  ): Promise<Map<string, Balance>> {
    const rows: { id: string; spent: string; held: string | null }[] = await manager.query(
      `SELECT a.id AS id, CAST(a.held_nano_usd AS text) AS held,
         CAST(a.spent_nano_usd + coalesce((SELECT sum(d.amount_nano_usd) FROM account_deltas d WHERE d.account_id = a.id), 0) AS text) AS spent
       FROM accounts a JOIN ${jsonRowset({ id: 'varchar' }, this.database)} AS r ON a.id = r.id`,
      [JSON.stringify(specs.map(({ id }) => ({ id })))],
    );
    return new Map(
      rows.map(({ id, spent, held }) => [
        id,
        { spent: BigInt(spent), held: held === null ? null : BigInt(held) },
      ]),
    );
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

  private startLoading(all: readonly AccountNeed[]): void {
    const needs = eachOnce(all);
    const done = this.open(needs).finally(() =>
      needs.forEach(({ account }) => this.loading.delete(account.id)),
    );
    for (const { account } of needs) this.loading.set(account.id, done);
  }
}

/** An account that is needed twice, as by a window that is configured twice, is loaded once: with a limit if it has one. */
function eachOnce(needs: readonly AccountNeed[]): AccountNeed[] {
  const byId = new Map<string, AccountNeed>();
  for (const need of needs) {
    if ((byId.get(need.account.id)?.limitNanoUsd ?? null) === null) byId.set(need.account.id, need);
  }
  return [...byId.values()];
}
