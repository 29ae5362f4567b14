import type { EntityManager } from 'typeorm';
import { DAY_MS } from '../platform/clock.js';
import { type AccountSpec, lifetimeAccount } from './account.js';
import { jsonRowset } from '../database/json-rowset.js';

/**
 * Returns the spend of these windows' scopes on calls that were opened in the window before its account existed. That
 * happens when a duration or time zone is changed in the middle, so the result is almost always empty.
 * Calls billed to an earlier window of the same rule do not count again, even if clocks disagreed when it closed. A
 * correction takes off at most the spend before it, so spend from before the window never pays for later calls.
 * The first folded day counts as a whole and corrections come before the calls of their day. So the result is rather
 * too high than too low.
 */
export async function spentBeforeWindow(
  manager: EntityManager,
  database: { readonly isPostgres: boolean },
  specs: readonly AccountSpec[],
): Promise<ReadonlyMap<string, bigint>> {
  const uniqueSpecs = new Map(specs.map((spec) => [spec.id, spec]));
  const windows = Array.from(uniqueSpecs.values()).flatMap(
    ({ id, scopeKind, scopeId, windowId, countsFrom }) =>
      countsFrom
        ? [
            {
              id,
              endless_id: lifetimeAccount(scopeKind, scopeId).id,
              same_window: `${scopeKind}/${scopeId}/${windowId}/`,
              counts_from: countsFrom.getTime(),
            },
          ]
        : [],
  );
  if (!windows.length) return new Map();
  const columns = {
    id: 'varchar',
    endless_id: 'varchar',
    same_window: 'varchar',
    counts_from: 'bigint',
  } as const;
  const billedBefore = `EXISTS (SELECT 1 FROM postings q
    WHERE q.chain_id = o.chain_id AND substr(q.account_id, 1, length(o.same_window)) = o.same_window)`;
  const rows: { id: string; spent: string }[] = await manager.query(
    `WITH opened AS (
       SELECT r.id AS id, r.same_window AS same_window, r.counts_from AS counts_from, p.chain_id AS chain_id
       FROM ${jsonRowset(columns, database)} AS r JOIN postings p ON p.account_id = r.endless_id
     ), costs AS (
       SELECT o.id AS id, e.cost_nano_usd AS cost, e.closed_at AS at
       FROM opened o JOIN ledger_entries e ON e.chain_id = o.chain_id
       WHERE e.state = 'settled' AND e.opened_at >= o.counts_from AND NOT ${billedBefore}
       UNION ALL
       SELECT o.id AS id, d.cost_nano_usd AS cost, d.day AS at
       FROM opened o JOIN ledger_days d ON d.chain_id = o.chain_id
       WHERE d.day + ${DAY_MS} > o.counts_from AND NOT ${billedBefore}
     ), sums AS (
       SELECT id, cost, sum(cost) OVER (PARTITION BY id ORDER BY at, cost ROWS UNBOUNDED PRECEDING) AS so_far
       FROM costs WHERE cost <> 0
     )
     SELECT id, CAST(sum(cost) - CASE WHEN min(so_far) < 0 THEN min(so_far) ELSE 0 END AS text) AS spent
     FROM sums GROUP BY id`,
    [JSON.stringify(windows)],
  );
  return new Map(rows.flatMap(({ id, spent }) => (BigInt(spent) ? [[id, BigInt(spent)]] : [])));
}
