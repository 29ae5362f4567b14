import { BillingChainRepository } from '../ledger/billing-chain.repository.js';
import { Injectable } from '@nestjs/common';
import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { containsText } from '../database/contains-text.js';
import { Database } from '../database/database.js';
import { MAX_PAGE_SIZE } from '../http/pagination.js';
import type { Principal } from '../policy/principal.js';
import { nanoUsd } from '../policy/money.js';
import { BillingChainRow } from '../ledger/billing-chain.entity.js';
import { AGGREGATES } from '../ledger/entry-aggregates.js';
import { type ClientNameKind, ledgerCalls } from '../ledger/ledger-calls.query.js';
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
  /** Only with `clients`. */
  client: 'a.tag',
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
  /** Only calls whose program has a name of one of these kinds, counted once per name. `only`: limits the names. */
  readonly clients?: {
    readonly kind: ClientNameKind;
    readonly only?: readonly string[] | undefined;
    /** True for names with a version only. */
    readonly versioned?: true;
  };
  /** Only names of tags or clients that contain this text, in any letter case. */
  readonly nameContains?: string | undefined;
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
    return rows.map((row) => rowOf(row, by));
  }

  /** Returns rows like `by`, each with the number of users whose calls it sums. */
  async withUsers<D extends Dimension>(
    query: ActivityQuery,
    by: readonly D[],
    limit = MAX_PAGE_SIZE,
  ): Promise<(Row<D> & { readonly users: number })[]> {
    const rows = await this.database.read((manager) =>
      this.select(manager, query, by)
        .addSelect('COUNT(DISTINCT c.userId)', 'users')
        .limit(limit)
        .getRawMany<Record<string, string | bigint | null>>(),
    );
    return rows.map((row) => ({ ...rowOf(row, by), users: Number(row.users) }));
  }

  /**
   * Counts the users of each name in each span of `spanMs` from the start of the days. `by`: `tag` or `client`. A call
   * without a user counts for nothing.
   */
  async usersBySpan(
    query: ActivityQuery,
    by: 'tag' | 'client',
    spanMs: number,
  ): Promise<{ readonly name: string; readonly span: number; readonly users: number }[]> {
    const span = `(a.day - ${query.days.fromMs}) / ${spanMs}`;
    const rows = await this.database.read((manager) =>
      this.matching(manager, query)
        .select(DIMENSIONS[by], 'name')
        .addSelect(span, 'span')
        .addSelect('COUNT(DISTINCT c.userId)', 'users')
        .andWhere('c.userId IS NOT NULL')
        .groupBy(DIMENSIONS[by])
        .addGroupBy(span)
        .orderBy('span', 'DESC')
        .addOrderBy('users', 'DESC')
        .addOrderBy('name')
        .limit(MAX_PAGE_SIZE)
        .getRawMany<Record<'name' | 'span' | 'users', string | bigint>>(),
    );
    return rows.map(({ name, span: at, users }) => ({
      name: String(name),
      span: Number(at),
      users: Number(users),
    }));
  }

  /** Selects the calls of a report, one row per row of the sums. */
  private matching(manager: EntityManager, query: ActivityQuery) {
    const { caller, permission, model, nameContains } = query;
    const onlyVisible = <T extends ObjectLiteral>(chains: SelectQueryBuilder<T>) =>
      visibleChains(applyToChains(chains, query), caller, permission);
    const visibleChainIds = onlyVisible(this.chains.in(manager).createQueryBuilder('c').select('c.id'));
    const isNarrow = visibleChainIds.expressionMap.wheres.length > 0;
    const select = manager
      .createQueryBuilder()
      .from(`(${this.calls(query, isNarrow ? visibleChainIds.getQuery() : undefined)})`, 'a')
      .innerJoin(BillingChainRow, 'c', 'c.id = a.chain_id')
      .select([])
      .setParameters({ model, tags: query.tags?.only ?? query.clients?.only });
    onlyVisible(select);
    applyToCalls(select, query);
    if (query.clients?.versioned) select.andWhere(`a.tag LIKE '%/%'`);
    if (nameContains !== undefined) select.andWhere(...containsText('a.tag', nameContains));
    return select;
  }

  private select(manager: EntityManager, query: ActivityQuery, by: readonly Dimension[]) {
    const select = this.matching(manager, query);
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
    { days: { fromMs, toMs }, model, tags, clients }: ActivityQuery,
    visibleChainIds: string | undefined,
  ): string {
    const greatest = this.database.isPostgres ? 'greatest' : 'max';
    // The sums of all calls have no tag. A name without letters, as after a last comma, must not find them.
    const tag = tags?.only ? "d.tag <> '' AND d.tag IN (:...tags)" : tags ? "d.tag <> ''" : "d.tag = ''";
    const client = `d.kind = '${clients?.kind}'${clients?.only ? ' AND d.name IN (:...tags)' : ''}`;
    const only = tags?.only ?? clients?.only;
    const onModel = (alias: string) => (model === undefined ? '' : ` AND ${alias}.model = :model`);
    // Entries are not filtered by chain: few are left, and an index on chains would find a month of them.
    const entries = ledgerCalls(
      this.database,
      clients ? 'per client name' : tags ? 'per tag' : 'one',
      `e.opened_at >= ${greatest}(${fromMs}, (SELECT until FROM activity_progress)) AND e.opened_at < ${toMs}${onModel('e')}
       ${only ? 'AND t.value IN (:...tags)' : ''} ${clients ? `AND t.key = '${clients.kind}'` : ''}`,
    );
    const live = clients ? `SELECT ${ACTIVITY_COLUMNS} FROM (${entries}) AS live` : entries;
    return `SELECT ${clients ? 'd.name' : 'd.tag'} AS tag, d.day AS day, d.chain_id AS chain_id, d.state AS state, d.call_type AS call_type, d.model AS model,
        d.provider AS provider, ${AGGREGATES.map((name) => `d.${name} AS ${name}`).join(', ')}
      FROM ${clients ? 'client_days' : 'activity_days'} d WHERE ${clients ? client : tag} AND d.day >= ${fromMs} AND d.day < ${toMs}${onModel('d')}
        ${visibleChainIds === undefined ? '' : `AND d.chain_id IN (${visibleChainIds})`}
      UNION ALL ${live}`;
  }
}

const rowOf = <D extends Dimension>(
  row: Readonly<Record<string, string | bigint | null>>,
  by: readonly D[],
): Row<D> => ({
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
});

/** The columns of `activity_days`, without the `kind` of a client's name. */
const ACTIVITY_COLUMNS = `tag, day, chain_id, state, call_type, model, provider, ${AGGREGATES.join(', ')}`;
