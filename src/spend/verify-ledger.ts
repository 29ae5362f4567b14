import type { DataSource } from 'typeorm';

/** An account whose balance is not the sum of its entries. Nano-dollars. */
export interface Difference {
  readonly accountId: string;
  /** Null: there is no such account, but entries that name it. */
  readonly balance: bigint | null;
  readonly entries: bigint;
}

/** Adds every account up again from the ledger, in one consistent read. What it returns as different should be nothing. */
export async function verifyLedger(
  dataSource: DataSource,
): Promise<{ accounts: number; differences: Difference[] }> {
  const rows: { id: string; balance: string | null; entries: string }[] = await dataSource.query(
    `SELECT coalesce(a.id, s.id) AS id, CAST(a.spent_nano_usd AS text) AS balance,
       CAST(coalesce(s.total, 0) AS text) AS entries
     FROM accounts a FULL JOIN (
       SELECT p.account_id AS id, sum(e.cost_nano_usd) AS total FROM ledger_entries e
       JOIN postings p ON p.chain_id = e.chain_id WHERE e.cost_nano_usd IS NOT NULL GROUP BY p.account_id
     ) s ON s.id = a.id`,
  );
  const accounts = rows.map(({ id, balance, entries }) => ({
    accountId: id,
    balance: balance === null ? null : BigInt(balance),
    entries: BigInt(entries),
  }));
  return {
    accounts: accounts.length,
    differences: accounts.filter(({ balance, entries }) => balance !== entries),
  };
}
