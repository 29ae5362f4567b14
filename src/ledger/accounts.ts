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

/** An account that a call needs, with its limit if it has one. */
export interface AccountNeed {
  readonly account: AccountSpec;
  readonly limitNanoUsd: NanoUsd | null;
}

interface Balance {
  readonly spentNanoUsd: bigint;
  readonly heldNanoUsd: bigint | null;
}

/** The accounts in the memory of this process, loaded on first use. An account in memory is exactly one object. */
export abstract class Accounts {
  /** Called with the corrected accounts, inside the transaction of the correction. */
  onCorrected: (tx: EntityManager, accounts: readonly CorrectedAccount[]) => Promise<void> = async () => {};
  protected readonly loaded = new Map<string, LiveAccount>();
  private readonly loading = new Map<string, Promise<void>>();
  private generationNow = 1;

  constructor(
    protected readonly database: Database,
    protected readonly clock: Clock,
  ) {}

  /**
   * True if memory holds the true balances. False if only the hold knows them and memory holds the last seen ones.
   */
  abstract readonly areBalances: boolean;

  /** Grows when accounts leave memory. Code that keeps references must then load the accounts again. */
  get generation(): number {
    return this.generationNow;
  }

  /** Returns the accounts and loads missing ones. Throws if the database does not respond. */
  async load(needs: readonly AccountNeed[]): Promise<LiveAccount[]> {
    for (;;) {
      const missing = needs.filter((need) => !this.has(need));
      if (!missing.length) return needs.map(({ account }) => this.loaded.get(account.id)!);
      const notLoading = missing.filter(({ account }) => !this.loading.has(account.id));
      if (notLoading.length) this.startLoading(notLoading);
      await Promise.all(missing.map(({ account }) => this.loading.get(account.id)));
    }
  }

  /** Reloads the balances of these accounts if memory does not hold the true ones. */
  abstract refresh(accounts: readonly LiveAccount[]): Promise<void>;

  /**
   * Sets the spend of accounts by one `adjustment` entry for each account that changes. Open calls keep their holds.
   * No account goes below zero. Memory follows after the commit. Must run inside a transaction.
   */
  async correct(tx: EntityManager, corrections: readonly Correction[]): Promise<void> {
    const specs = corrections.flatMap(({ account, siblings, modelAccounts }) => [
      account,
      ...siblings,
      ...modelAccounts,
    ]);
    await this.makeRows(tx, specs);
    const spent = await this.spentUnderLock(tx, specs);
    const adjustments = corrections.flatMap((correction) => adjustmentsFor(correction, spent));
    if (adjustments.length) {
      await adjust(tx, this.database, adjustments, this.clock());
      await this.onCorrected(
        tx,
        adjustments.map(({ account: { id }, amount }) => ({
          id,
          spentNanoUsd: nanoUsd(spent.get(id)! + amount),
        })),
      );
    }
    for (const { account, spentNanoUsd, audit } of corrections) {
      const before = nanoUsd(spent.get(account.id)!);
      if (before !== spentNanoUsd) audit?.(tx, { before, after: spentNanoUsd });
    }
    this.database.afterCommit(tx, () => this.applyAdjustments(adjustments));
  }

  /** Adds spend from before the account existed. Memory follows after the commit. Must run inside a transaction. */
  async carryOver(tx: EntityManager, account: AccountSpec, amount: bigint): Promise<void> {
    await this.makeRows(tx, [account]);
    const adjustments = [{ account, amount, chainId: priorSpendChainId(account.id) }];
    await adjust(tx, this.database, adjustments, this.clock());
    this.database.afterCommit(tx, () => this.applyAdjustments(adjustments));
  }

  /** Creates the rows of unused accounts, with their prior spend. Must run inside a transaction. */
  protected abstract makeRows(tx: EntityManager, specs: readonly AccountSpec[]): Promise<void>;

  /** Applies committed adjustments to the balances in memory. */
  protected abstract applyAdjustments(adjustments: readonly Adjustment[]): void;

  /** Locks these accounts until the transaction ends and returns their spend. */
  private async spentUnderLock(
    tx: EntityManager,
    specs: readonly AccountSpec[],
  ): Promise<ReadonlyMap<string, bigint>> {
    // SQLite has one writer at a time and no row locks.
    if (this.database.isPostgres) {
      await tx.query(
        `SELECT a.id FROM accounts a JOIN ${jsonRowset({ id: 'varchar' }, this.database)} AS r ON a.id = r.id ORDER BY a.id FOR UPDATE OF a`,
        [JSON.stringify(specs.map(({ id }) => ({ id })))],
      );
    }
    const rows = await this.stored(tx, specs);
    return new Map(specs.map(({ id }) => [id, rows.get(id)?.spentNanoUsd ?? 0n]));
  }

  /** Returns the committed spend of accounts that may not be in memory. */
  spentOn(specs: readonly AccountSpec[]): Promise<Map<string, bigint>> {
    return this.database.read((manager) => this.spentIn(manager, specs), 'ledger');
  }

  /** Returns the spend of accounts as this transaction sees it. */
  async spentIn(manager: EntityManager, specs: readonly AccountSpec[]): Promise<Map<string, bigint>> {
    const stored = await this.stored(manager, specs);
    const missing = specs.filter(({ id }) => !stored.has(id));
    const before = await spentBeforeWindow(manager, this.database, missing);
    return new Map([
      ...before,
      ...Array.from(stored, ([id, { spentNanoUsd }]) => [id, spentNanoUsd] as const),
    ]);
  }

  protected has({ account }: AccountNeed): boolean {
    return this.loaded.has(account.id);
  }

  /** Loads the accounts into memory and creates the rows they need. */
  protected abstract open(needs: readonly AccountNeed[]): Promise<void>;

  protected remember(spec: AccountSpec, spentNanoUsd: bigint, heldNanoUsd = 0n): void {
    const known = this.loaded.get(spec.id);
    const balance = {
      spentNanoUsd: nanoUsd(spentNanoUsd),
      heldNanoUsd: heldNanoUsd ? nanoUsd(heldNanoUsd) : ZERO_NANO_USD,
    };
    if (known) Object.assign(known, balance);
    else this.loaded.set(spec.id, { id: spec.id, spec, ...balance, unsettled: 0 });
  }

  /** Reads the stored rows. `heldNanoUsd` is null where the row does not count holds. */
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
        { spentNanoUsd: BigInt(spent), heldNanoUsd: held === null ? null : BigInt(held) },
      ]),
    );
  }

  protected evictIdle(): void {
    if (this.loaded.size < MAX_ACCOUNTS) return;
    let remaining = MAX_ACCOUNTS / 4;
    for (const account of this.loaded.values()) {
      if (remaining === 0) break;
      if (account.unsettled || (this.areBalances && account.heldNanoUsd !== ZERO_NANO_USD)) continue;
      this.loaded.delete(account.id);
      remaining--;
    }
    this.generationNow++;
  }

  private startLoading(all: readonly AccountNeed[]): void {
    const needs = uniqueNeeds(all);
    const done = this.open(needs).finally(() =>
      needs.forEach(({ account }) => this.loading.delete(account.id)),
    );
    for (const { account } of needs) this.loading.set(account.id, done);
  }
}

/** Removes duplicates, such as a window that is configured twice. A need with a limit wins. */
function uniqueNeeds(needs: readonly AccountNeed[]): AccountNeed[] {
  const byId = new Map<string, AccountNeed>();
  for (const need of needs) {
    if ((byId.get(need.account.id)?.limitNanoUsd ?? null) === null) byId.set(need.account.id, need);
  }
  return [...byId.values()];
}
