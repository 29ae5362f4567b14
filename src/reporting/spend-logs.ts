import { litellmCallType, storedCallType } from '../call-types/litellm-call-type.js';
import { LedgerEntryRepository } from '../ledger/ledger-entry.repository.js';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import { Database } from '../database/database.js';
import { pageInfo } from '../http/page-info.dto.js';
import { paginate } from '../http/pagination.js';
import { sqlOrder } from '../http/sort-order.js';
import type { Principal } from '../policy/principal.js';
import { nanoUsd, nanoUsdFromUsd, type NanoUsd, usdFromNanoUsd } from '../policy/money.js';
import { BillingChainRow } from '../ledger/billing-chain.entity.js';
import { type EntryTerms, LedgerEntry } from '../ledger/ledger-entry.entity.js';
import { hasFailed, hasFailingMark } from '../ledger/failed-entry.js';
import { CLOCK, type Clock, DAY_MS } from '../platform/clock.js';
import { type Days, daysOrLastDays, requiredInstants } from './days.js';
import type {
  SessionQuery,
  SessionRow,
  SpendLogPage,
  SpendLogPageQuery,
  SpendLogQuery,
  SpendLogRow,
} from './spend.dto.js';
import { applyToChains, visibleChains } from './report-filter.js';

/** The highest count. To count more takes as long as to read them. */
const MAX_COUNT = 10_000;

/** Reads single ledger entries for reports. */
@Injectable()
export class SpendLogs {
  constructor(
    private readonly database: Database,
    private readonly entries: LedgerEntryRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Returns closed entries that match and concern the caller, newest first, bounded. */
  async list(query: SpendLogQuery, caller: Principal): Promise<SpendLogRow[]> {
    const { take, skip } = paginate(query);
    const rows = await this.database.read((manager) =>
      this.matching(manager, query, caller)
        .orderBy('e.openedAt', 'DESC')
        .addOrderBy('e.id', 'DESC')
        .limit(take)
        .offset(skip)
        .getMany(),
    );
    return (rows as EntryWithChain[]).map(logRow);
  }

  /** Returns a page of entries with further filters, and their number up to 10,000. */
  async page(query: SpendLogPageQuery, caller: Principal): Promise<SpendLogPage> {
    const { page = 1, page_size = 50, sort_order = 'desc' } = query;
    const order = sqlOrder(sort_order);
    const instants = requiredInstants(query);
    const matching = (manager: EntityManager) =>
      applyPageFilters(this.matching(manager, { ...query, ...NO_DAYS }, caller), query, instants);
    const [rows, total] = await this.database.read(async (manager) => [
      await matching(manager)
        .orderBy('e.openedAt', order)
        .addOrderBy('e.id', order)
        .limit(page_size)
        .offset((page - 1) * page_size)
        .getMany(),
      await countUpTo(manager, MAX_COUNT, matching(manager)),
    ]);
    return { data: (rows as EntryWithChain[]).map(logRow), ...pageInfo(total, { page, page_size }) };
  }

  /** Sums the calls of each session, the latest session first. Sessions are known of single entries only. */
  async sessions(query: SessionQuery, caller: Principal): Promise<SessionRow[]> {
    const { take, skip } = paginate(query);
    const { fromMs, toMs } = daysOrLastDays(query, this.clock(), SESSION_DAYS);
    const rows = await this.database.read((manager) =>
      this.matching(manager, { ...query, ...NO_DAYS }, caller)
        .andWhere('e.sessionId IS NOT NULL')
        .andWhere('e.openedAt >= :since AND e.openedAt < :until', { since: fromMs, until: toMs })
        .select('e.sessionId', 'session_id')
        .addSelect('COUNT(*)', 'calls')
        .addSelect(`SUM(CASE WHEN ${FAILED} THEN 1 ELSE 0 END)`, 'failed')
        .addSelect('CAST(SUM(e.costNanoUsd) AS text)', 'cost')
        .addSelect('CAST(MIN(e.openedAt) AS text)', 'since')
        .addSelect('CAST(MAX(e.openedAt) AS text)', 'until')
        .groupBy('e.sessionId')
        .orderBy('MAX(e.openedAt)', 'DESC')
        .addOrderBy('e.sessionId')
        .limit(take)
        .offset(skip)
        .getRawMany<Record<'session_id' | 'calls' | 'failed' | 'cost' | 'since' | 'until', string>>(),
    );
    return rows.map(({ session_id, calls, failed, cost, since, until }) => ({
      session_id,
      calls: Number(calls),
      failed_calls: Number(failed),
      spend: usdFromNanoUsd(nanoUsd(BigInt(cost))),
      startTime: new Date(Number(since)).toISOString(),
      endTime: new Date(Number(until)).toISOString(),
    }));
  }

  /** Selects the closed entries (alias `e`, chain `c`) that match and concern the caller. */
  private matching(
    manager: EntityManager,
    query: SpendLogQuery,
    caller: Principal,
  ): SelectQueryBuilder<LedgerEntry> {
    const { request_id, start_date, end_date } = query;
    const select = this.entries
      .in(manager)
      .createQueryBuilder('e')
      .innerJoinAndMapOne('e.chain', BillingChainRow, 'c', 'c.id = e.chainId')
      .where("e.state <> 'open'");
    const where = (condition: string, values: object, value: unknown) => {
      if (value !== undefined) select.andWhere(condition, values);
    };
    const { session_id, trace_id, user_agent, originator, call_type } = query;
    where(HAS_ID, { requestId: request_id }, request_id);
    where('e.sessionId = :sessionId', { sessionId: session_id }, session_id);
    where('e.traceId = :traceId', { traceId: trace_id }, trace_id);
    where(IS_PROGRAM, { userAgent: user_agent }, user_agent);
    where('e.originator = :originator', { originator }, originator);
    where('e.callType = :callType', { callType: storedCallType(call_type ?? '') }, call_type);
    where('e.openedAt >= :from', { from: start_date && Date.parse(start_date) }, start_date);
    where('e.openedAt < :to', { to: end_date && Date.parse(end_date) + DAY_MS }, end_date);
    return visibleChains(applyToChains(select, query), caller);
  }
}

type EntryWithChain = LedgerEntry & { readonly chain: BillingChainRow };

/** SQL: the id of the answer, of the call or of the client's request is this one. */
const HAS_ID = '(e.answerId = :requestId OR e.id = :requestId OR e.requestId = :requestId)';

/** SQL: the `user-agent` is this text, or begins with this product or this product and version. */
const IS_PROGRAM = `(e.userAgent = :userAgent OR (substr(e.userAgent, 1, length(:userAgent)) = :userAgent
  AND substr(e.userAgent, length(:userAgent) + 1, 1) IN ('/', ' ')))`;

/** SQL: the call failed. */
const FAILED = `(e.state = 'released' OR ${hasFailingMark('e.mark')})`;

/** The number of days without dates: their entries are read one by one. */
const SESSION_DAYS = 7;

const NO_DAYS = { start_date: undefined, end_date: undefined };

function applyPageFilters(
  select: SelectQueryBuilder<LedgerEntry>,
  query: SpendLogPageQuery,
  { fromMs, toMs }: Days,
): SelectQueryBuilder<LedgerEntry> {
  const { min_spend, max_spend, status_filter, clamped, model, model_id, key_alias } = query;
  const where = (condition: string, values: object, value: unknown) => {
    if (value !== undefined) select.andWhere(condition, values);
  };
  select.andWhere('e.openedAt >= :since AND e.openedAt < :until', { since: fromMs, until: toMs });
  where('e.costNanoUsd >= :least', { least: min_spend && nanoUsdFromUsd(min_spend)?.toString() }, min_spend);
  where('e.costNanoUsd <= :most', { most: max_spend && nanoUsdFromUsd(max_spend)?.toString() }, max_spend);
  where(status_filter === 'failure' ? FAILED : `NOT ${FAILED}`, {}, status_filter);
  where(clamped ? 'e.clamp IS NOT NULL' : 'e.clamp IS NULL', {}, clamped);
  where('e.model = :model', { model }, model);
  where('e.deploymentId = :deployment', { deployment: model_id }, model_id);
  where('c.keyAlias = :alias', { alias: key_alias }, key_alias);
  // The reason of a failure is not stored, so no row matches one.
  where('1 = 0', {}, query.error_code ?? query.error_message);
  return select;
}

async function countUpTo(
  manager: EntityManager,
  limit: number,
  select: SelectQueryBuilder<LedgerEntry>,
): Promise<number> {
  const [sql, parameters] = select.select('1', 'one').limit(limit).getQueryAndParameters();
  const [{ count }] = (await manager.query(
    `SELECT count(*) AS count FROM (${sql}) AS counted`,
    parameters,
  )) as [{ count: bigint | string }];
  return Number(count);
}

function logRow({ chain, ...entry }: EntryWithChain): SpendLogRow {
  const { inputTokens = 0, outputTokens = 0 } = entry.usage ?? {};
  return {
    request_id: entry.answerId ?? entry.id,
    litellm_call_id: entry.id,
    x_request_id: entry.requestId,
    session_id: entry.sessionId,
    call_type: litellmCallType(entry.callType),
    api_key: chain.keyHash ?? '',
    spend: usdFromNanoUsd(entry.costNanoUsd as NanoUsd),
    total_tokens: inputTokens + outputTokens,
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    startTime: entry.openedAt.toISOString(),
    endTime: entry.closedAt?.toISOString() ?? null,
    model: entry.model,
    model_id: entry.deploymentId,
    model_group: entry.model,
    custom_llm_provider: entry.provider,
    user: chain.userId ?? '',
    team_id: chain.teamId,
    organization_id: chain.organizationId,
    end_user: chain.endUserId,
    request_tags: entry.requestTags ?? [],
    requester_ip_address: entry.clientAddress,
    status: hasFailed(entry) ? 'failure' : 'success',
    metadata: {
      user_api_key_alias: chain.keyAlias,
      usage_object: entry.usage,
      mark: entry.mark,
      clamped: entry.clamp,
      cost_breakdown: entry.costTerms && breakdownOf(entry.costTerms, entry.costNanoUsd as NanoUsd),
      requester_ip_address: entry.clientAddress,
      trace_id: entry.traceId,
      user_agent: entry.userAgent,
      originator: entry.originator,
      spend_logs_metadata: entry.spendLogsMetadata,
    },
  };
}

const breakdownOf = (terms: EntryTerms, cost: NanoUsd) => ({
  original_cost: terms.list_usd,
  discount_percent: terms.discount,
  discount_amount: terms.discount_usd,
  margin_percent: terms.margin,
  margin_fixed_amount: terms.fixed_usd,
  margin_total_amount: terms.margin_usd,
  total_cost: usdFromNanoUsd(cost),
});
