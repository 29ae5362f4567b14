import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { jsonRowset } from '../database/json-rowset.js';
import { tagsOfEntry } from './ledger-calls.query.js';

/** A kind of party that calls may name before it has a row. */
export type NamedKind = 'end_user' | 'tag';

/** Returns the id of the chain that carries the prior spend of an account. It is the same for ever. */
export const priorSpendChainId = (accountId: string): string =>
  createHash('sha256').update(`prior spend of ${accountId}`).digest('hex').slice(0, 32);

/**
 * Returns the cost of settled calls with this name that no account of its party was billed for, in nano-dollars.
 * Subtracts prior spend that the account already has. `accountId`: the lifetime account of the party.
 */
export async function priorSpend(
  manager: EntityManager,
  database: { readonly isPostgres: boolean },
  kind: NamedKind,
  name: string,
  accountId: string,
): Promise<bigint> {
  const columns = { name: 'varchar', account_id: 'varchar', prior_chain_id: 'varchar' } as const;
  const calls = kind === 'end_user' ? CALLS_OF_END_USER : callsOfTag(database);
  const [row] = (await manager.query(
    `WITH asked AS (SELECT * FROM ${jsonRowset(columns, database)} AS r)
     SELECT CAST(coalesce(sum(costs.cost), 0) AS text) AS spent FROM (
       SELECT calls.cost AS cost FROM asked CROSS JOIN (${calls}) AS calls WHERE NOT EXISTS (
         SELECT 1 FROM postings p WHERE p.chain_id = calls.chain_id AND p.account_id = asked.account_id)
       UNION ALL
       SELECT -e.cost_nano_usd FROM ledger_entries e WHERE e.chain_id = (SELECT prior_chain_id FROM asked)
       UNION ALL
       SELECT -d.cost_nano_usd FROM ledger_days d WHERE d.chain_id = (SELECT prior_chain_id FROM asked)
     ) AS costs`,
    [JSON.stringify([{ name, account_id: accountId, prior_chain_id: priorSpendChainId(accountId) }])],
  )) as [{ spent: string }];
  return BigInt(row.spent);
}

const CALLS_OF_END_USER = `
  SELECT e.chain_id AS chain_id, e.cost_nano_usd AS cost
  FROM chains c JOIN ledger_entries e ON e.chain_id = c.id
  WHERE c.end_user_id = (SELECT name FROM asked) AND e.state = 'settled'
  UNION ALL
  SELECT d.chain_id, d.cost_nano_usd
  FROM chains c JOIN ledger_days d ON d.chain_id = c.id
  WHERE c.end_user_id = (SELECT name FROM asked) AND d.state = 'settled'`;

/**
 * Returns SQL for the calls with a tag: older ones from the daily sums, newer ones from the ledger. Folded entries
 * have no tags.
 */
const callsOfTag = (database: { readonly isPostgres: boolean }): string => `
    SELECT a.chain_id AS chain_id, a.cost_nano_usd AS cost FROM activity_days a
    WHERE a.tag = (SELECT name FROM asked) AND a.state <> 'released'
    UNION ALL
    SELECT e.chain_id, e.cost_nano_usd FROM ledger_entries e CROSS JOIN ${tagsOfEntry(database)}
    WHERE e.opened_at >= (SELECT until FROM activity_progress) AND e.state = 'settled'
      AND e.request_tags IS NOT NULL AND t.value = (SELECT name FROM asked)`;
