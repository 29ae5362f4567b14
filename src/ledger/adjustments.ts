import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { AccountSpec } from './account.js';
import type { ChainNames } from './billing-chain.js';
import { jsonRowset } from '../database/json-rowset.js';

/** An amount added to one account without a call. */
export interface Adjustment {
  readonly account: AccountSpec;
  readonly amount: bigint;
  /** The names by which reports find it. */
  readonly names?: Partial<ChainNames>;
  /** The chain that carries it, created if missing. Absent: a new chain. */
  readonly chainId?: string;
}

/**
 * Writes one settled entry, marked `adjustment`, for each adjustment and changes the balance of its account. Creates
 * missing accounts. Must run inside a transaction.
 */
export async function adjust(
  tx: EntityManager,
  database: { readonly isPostgres: boolean },
  adjustments: readonly Adjustment[],
  now: Date,
): Promise<void> {
  const rows = adjustments.map(({ account, amount, names = {}, chainId = uuidv7() }) => ({
    id: uuidv7(),
    chain_id: chainId,
    account_id: account.id,
    scope_kind: account.scopeKind,
    scope_id: account.scopeId,
    window_id: account.windowId,
    window_start: account.window?.start.getTime() ?? null,
    cost: amount.toString(),
    at: now.getTime(),
    key_hash: names.keyHash,
    user_id: names.userId,
    team_id: names.teamId,
    organization_id: names.organizationId,
    end_user_id: names.endUserId,
  }));
  const columns = {
    id: 'varchar',
    chain_id: 'varchar',
    account_id: 'varchar',
    scope_kind: 'varchar',
    scope_id: 'varchar',
    window_id: 'varchar',
    window_start: 'bigint',
    cost: 'bigint',
    at: 'bigint',
    key_hash: 'varchar',
    user_id: 'varchar',
    team_id: 'varchar',
    organization_id: 'varchar',
    end_user_id: 'varchar',
  } as const;
  const from = `FROM ${jsonRowset(columns, database)} AS r WHERE true`;
  const run = (sql: string) => tx.query(sql, [JSON.stringify(rows)]);
  await run(
    `INSERT INTO chains (id, key_hash, user_id, team_id, organization_id, end_user_id)
     SELECT r.chain_id, r.key_hash, r.user_id, r.team_id, r.organization_id, r.end_user_id ${from}
     ON CONFLICT (id) DO NOTHING`,
  );
  await run(
    `INSERT INTO postings (chain_id, account_id) SELECT r.chain_id, r.account_id ${from} ON CONFLICT DO NOTHING`,
  );
  await run(
    `INSERT INTO accounts (id, scope_kind, scope_id, window_id, window_start, spent_nano_usd)
     SELECT r.account_id, r.scope_kind, r.scope_id, r.window_id, r.window_start, r.cost ${from}
     ON CONFLICT (id) DO UPDATE SET spent_nano_usd = accounts.spent_nano_usd + excluded.spent_nano_usd`,
  );
  await run(
    `INSERT INTO ledger_entries (id, chain_id, state, mark, bound_nano_usd, input_bound_nano_usd, cost_nano_usd,
       request_id, call_type, model, deployment_id, provider, opened_at, closed_at)
     SELECT r.id, r.chain_id, 'settled', 'adjustment', 0, 0, r.cost, r.id, 'adjustment', '', '', '', r.at, r.at ${from}`,
  );
}
