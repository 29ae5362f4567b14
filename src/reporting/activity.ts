import { BillingChainRepository } from '../ledger/billing-chain.repository.js';
import { Injectable } from '@nestjs/common';
import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Database } from '../database/database.js';
import { MAX_PAGE_SIZE } from '../http/pagination.js';
import type { Principal } from '../policy/principal.js';
import { nanoUsd } from '../policy/money.js';
import { BillingChainRow } from '../ledger/billing-chain.entity.js';
import { AGGREGATES } from '../ledger/entry-aggregates.js';
import { ledgerCalls } from '../ledger/ledger-calls.query.js';
import type { Days } from './days.js';
import type { Sums } from './sums.js';
import { applyToCalls, applyToChains, visibleChains, type ReportFilter } from './report-filter.js';

/** Columns by which calls can be grouped. */
const DIMENSIONS = {
  day: 'a.day',
  tag: 'a.tag',
  model: 'a.model',
  provider: 'a.provider',
  callType: 'a.call_type',
  key: 'c.keyHash',
  user: 'c.userId',
  team: 'c.teamId',
  organization: 'c.organizationId',
  endUser: 'c.endUserId',
} as const;
export type Dimension = keyof typeof DIMENSIONS;

/** Selects the calls of a report. */
export interface ActivityQuery extends ReportFilter {
  readonly days: Days;
  readonly caller: Principal;
  /** The team permission that lets a member see the team's calls. Default: `/spend/logs`. */
  readonly permission?: string;
  readonly model?: string;
  /** Only calls with tags, counted once per tag. `only`: limits the tags. */
  readonly tags?: { readonly only?: readonly string[] | undefined };
}

export type Row<D extends Dimension> = Readonly<Record<D, string>> & {
  readonly sums: Sums;
  /** The alias of the key, if calls are grouped by `key`. */
  readonly keyAlias: string | null;
};

/**
 * Adds up calls that concern the caller, from the daily sums and from entries that are not summed yet. It is one
 * statement, so no call is missed or counted twice while sums are written.
 */
@Injectable()
export class Activity {
  constructor(
    private readonly database: Database,
    private readonly chains: BillingChainRepository,
  ) {}

  /**
   * Returns one row per combination of `by`, highest spend first, at most `limit`. A missing value is an empty name.
   */
  async by<D extends Dimension>(
    query: ActivityQuery,
    by: readonly D[],
    limit: number | 'all' = MAX_PAGE_SIZE,
  ): Promise<Row<D>[]> {
    const rows = await this.database.read((manager) =>
      this.select(manager, query, by)
        .limit(limit === 'all' ? undefined : limit)
        .getRawMany<Record<string, string | bigint | null>>(),
    );
    return rows.map((row) => ({
      ...(Object.fromEntries(by.map((name) => [name, String(row[name] ?? '')])) as Record<D, string>),
      keyAlias: (row.key_alias as string | null | undefined) ?? null,
      sums: {
        costNanoUsd: nanoUsd(BigInt(row.cost_nano_usd!)),
        calls: Number(row.calls),
        failed: Number(row.failed),
        inputTokens: Number(row.input_tokens),
        outputTokens: Number(row.output_tokens),
        cachedInputTokens: Number(row.cached_input_tokens),
        cacheWriteTokens: Number(row.cache_write_tokens),
      },
    }));
  }

  private select(manager: EntityManager, query: ActivityQuery, by: readonly Dimension[]) {
    const { caller, permission, model } = query;
    const onlyVisible = <T extends ObjectLiteral>(chains: SelectQueryBuilder<T>) =>
      visibleChains(applyToChains(chains, query), caller, permission);
    const visibleChainIds = onlyVisible(this.chains.in(manager).createQueryBuilder('c').select('c.id'));
    const isNarrow = visibleChainIds.expressionMap.wheres.length > 0;
    const select = manager
      .createQueryBuilder()
      .from(`(${this.calls(query, isNarrow ? visibleChainIds.getQuery() : undefined)})`, 'a')
      .innerJoin(BillingChainRow, 'c', 'c.id = a.chain_id')
      .select([])
      .setParameters({ model, tags: query.tags?.only });
    onlyVisible(select);
    applyToCalls(select, query);
    for (const name of by) select.addSelect(DIMENSIONS[name], name).addGroupBy(DIMENSIONS[name]);
    if (by.includes('key')) select.addSelect('MAX(c.keyAlias)', 'key_alias');
    select
      .addSelect(`SUM(CASE WHEN a.call_type = 'adjustment' THEN 0 ELSE a.entries END)`, 'calls')
      .addSelect(`SUM(CASE WHEN a.state IN ('released', 'failed') THEN a.entries ELSE 0 END)`, 'failed');
    for (const name of AGGREGATES.slice(1)) select.addSelect(`CAST(SUM(a.${name}) AS text)`, name);
    select.orderBy('SUM(a.cost_nano_usd)', 'DESC');
    for (const name of by) select.addOrderBy(DIMENSIONS[name]);
    return select;
  }

  private calls(
    { days: { fromMs, toMs }, model, tags }: ActivityQuery,
    visibleChainIds: string | undefined,
  ): string {
    const greatest = this.database.isPostgres ? 'greatest' : 'max';
    // The sums of all calls have no tag. A name without letters, as after a last comma, must not find them.
    const tag = tags?.only ? "<> '' AND d.tag IN (:...tags)" : tags ? "<> ''" : "= ''";
    const onModel = (alias: string) => (model === undefined ? '' : ` AND ${alias}.model = :model`);
    // Entries are not filtered by chain: few are left, and an index on chains would find a month of them.
    const entries = ledgerCalls(
      this.database,
      tags !== undefined,
      `e.opened_at >= ${greatest}(${fromMs}, (SELECT until FROM activity_progress)) AND e.opened_at < ${toMs}${onModel('e')}
       ${tags?.only ? 'AND t.value IN (:...tags)' : ''}`,
    );
    return `SELECT d.tag AS tag, d.day AS day, d.chain_id AS chain_id, d.state AS state, d.call_type AS call_type, d.model AS model,
        d.provider AS provider, ${AGGREGATES.map((name) => `d.${name} AS ${name}`).join(', ')}
      FROM activity_days d WHERE d.tag ${tag} AND d.day >= ${fromMs} AND d.day < ${toMs}${onModel('d')}
        ${visibleChainIds === undefined ? '' : `AND d.chain_id IN (${visibleChainIds})`}
      UNION ALL ${entries}`;
  }
}
