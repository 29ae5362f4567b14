import type { DataSource } from 'typeorm';

/** An account whose balance differs from the sum of its entries, in nano-dollars. */
interface Difference {
  readonly accountId: string;
  readonly column: 'spent' | 'held';
  /** Null if entries name the account but it does not exist. */
  readonly balance: bigint | null;
  readonly entries: bigint;
}

/**
 * Recomputes every account from the ledger in one consistent read: spend (with deltas and folded entries) and counted
 * holds. Returns the accounts that differ. There should be none.
 */
export async function verifyLedger(
  dataSource: DataSource,
): Promise<{ accounts: number; differences: Difference[] }> {
  const rows: {
    id: string;
    spent: string | null;
    entries: string;
    held: string | null;
    open: string;
  }[] = await dataSource.query(
    `SELECT coalesce(a.id, s.id) AS id, CAST(a.spent_nano_usd + coalesce(d.total, 0) AS text) AS spent,
       CAST(coalesce(s.cost, 0) AS text) AS entries, CAST(a.held_nano_usd AS text) AS held,
       CAST(coalesce(s.bound, 0) AS text) AS open
     FROM accounts a FULL JOIN (
       SELECT p.account_id AS id, sum(e.cost) AS cost, sum(e.bound) AS bound
       FROM (
         SELECT chain_id, cost_nano_usd AS cost, CASE WHEN state = 'open' THEN bound_nano_usd ELSE 0 END AS bound
         FROM ledger_entries UNION ALL SELECT chain_id, cost_nano_usd, 0 FROM ledger_days
       ) e JOIN postings p ON p.chain_id = e.chain_id GROUP BY p.account_id
     ) s ON s.id = a.id
     LEFT JOIN (
       SELECT account_id, sum(amount_nano_usd) AS total FROM account_deltas GROUP BY account_id
     ) d ON d.account_id = a.id`,
  );
  return {
    accounts: rows.length,
    differences: rows.flatMap(({ id, spent, entries, held, open }) => [
      ...differenceOf('spent', id, spent, entries),
      ...(held === null ? [] : differenceOf('held', id, held, open)),
    ]),
  };
}

function differenceOf(
  column: Difference['column'],
  accountId: string,
  balance: string | null,
  entries: string,
): Difference[] {
  return balance === entries
    ? []
    : [{ accountId, column, balance: balance === null ? null : BigInt(balance), entries: BigInt(entries) }];
}
