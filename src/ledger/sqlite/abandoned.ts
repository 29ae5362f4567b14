import type { Config } from '../../config/config.js';
import type { Database } from '../../database/database.js';

/**
 * Settles the open entries of a dead process in one transaction, marked `abandoned`. Depending on `rule` it bills
 * their bound, the prompt's part of it, or nothing. Returns the number of entries.
 */
export async function settleAbandoned(
  database: Database,
  rule: Config['general']['abandonedHolds'],
  now: Date,
): Promise<number> {
  const cost = { bound: 'bound_nano_usd', input: 'input_bound_nano_usd', release: '0' }[rule];
  return database.write(async (tx) => {
    const [{ count }] = (await tx.query(
      `SELECT CAST(count(*) AS INTEGER) AS count FROM ledger_entries WHERE state = 'open'`,
    )) as [{ count: number }];
    if (!count) return 0;
    await tx.query(
      `UPDATE accounts SET spent_nano_usd = accounts.spent_nano_usd + died.cost
       FROM (SELECT p.account_id, sum(${cost}) AS cost FROM ledger_entries e JOIN postings p ON p.chain_id = e.chain_id
             WHERE e.state = 'open' GROUP BY p.account_id) AS died
       WHERE accounts.id = died.account_id`,
    );
    await tx.query(
      `UPDATE ledger_entries SET state = 'settled', mark = 'abandoned', cost_nano_usd = ${cost}, closed_at = ${now.getTime()}
       WHERE state = 'open'`,
    );
    return Number(count);
  }, 'ledger');
}
