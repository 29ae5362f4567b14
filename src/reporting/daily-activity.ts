import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { Database } from '../database/database.js';
import { Activity, type ActivityQuery } from './activity.js';
import { breakdownOf, type Entity, metricsOf, PARTS } from './breakdown.js';
import type { Breakdown, DailyActivityPage, DaySpend, Metrics, NamedMetrics } from './daily-activity.dto.js';
import type { SpendLogSummary } from './spend.dto.js';
import { DAY_MS } from '../platform/clock.js';
import { dayName } from './days.js';
import { type DaySums, isUnfiltered, DailyReportCache } from './daily-report-cache.js';
import { type Sums, tokensOf, totalOf, usdOf } from './sums.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';

/** The most days on one page. */
const MAX_DAYS = 31;

interface BusyDay extends DaySums {
  /** Reads sums and breakdown of one instant. Calls may have arrived since `sums`. */
  read(): Promise<{ readonly sums: Sums; readonly breakdown: Breakdown }>;
}

/** Reports calls per day with a breakdown. Each day is one statement, so that calls run in between. */
@Injectable()
export class DailyActivity {
  constructor(
    private readonly activity: Activity,
    private readonly cachedReports: DailyReportCache,
    private readonly database: Database,
    private readonly teams: TeamRepository,
  ) {}

  /** Returns a page of days with calls, latest first. */
  async page(
    query: ActivityQuery,
    entity: Entity,
    { page = 1, page_size = MAX_DAYS },
  ): Promise<DailyActivityPage> {
    const busy = (await this.busyDays(query, entity)).toReversed();
    const size = Math.min(page_size, MAX_DAYS);
    const total_pages = Math.max(1, Math.ceil(busy.length / size));
    const results: DaySpend[] = [];
    const pageRows: { readonly sums: Sums }[] = [];
    for (const day of busy.slice((page - 1) * size, page * size)) {
      const { sums, breakdown } = await day.read();
      if (entity === 'team') await this.nameTeams(breakdown.entities);
      pageRows.push({ sums });
      results.push({ date: dayName(day.fromMs), metrics: metricsOf(sums), breakdown });
    }
    const total = totalOf(pageRows);
    return {
      results,
      metadata: {
        total_spend: usdOf(total),
        total_prompt_tokens: total.inputTokens,
        total_completion_tokens: total.outputTokens,
        total_tokens: tokensOf(total),
        total_api_requests: total.calls,
        total_successful_requests: total.calls - total.failed,
        total_failed_requests: total.failed,
        total_cache_read_input_tokens: total.cachedInputTokens,
        total_cache_creation_input_tokens: total.cacheWriteTokens,
        page,
        total_pages,
        has_more: page < total_pages,
      },
    };
  }

  /**
   * Returns the spend of each day, earliest first, including days without spend. It is LiteLLM's summary of
   * `/spend/logs`.
   */
  async summary(query: ActivityQuery): Promise<SpendLogSummary[]> {
    const busy = new Map((await this.busyDays(query, 'user')).map((day) => [day.fromMs, day]));
    const rows: SpendLogSummary[] = [];
    for (let fromMs = query.days.fromMs; fromMs < query.days.toMs; fromMs += DAY_MS) {
      const report = await busy.get(fromMs)?.read();
      rows.push({
        ...spendByName(report?.breakdown.api_keys),
        startTime: dayName(fromMs),
        spend: report ? usdOf(report.sums) : 0,
        users: spendByName(report?.breakdown.entities),
        models: spendByName(report?.breakdown.models),
      });
    }
    return rows;
  }

  /** Returns the days with calls and their sums, earliest first. */
  async busyDays(query: ActivityQuery, entity: Entity): Promise<BusyDay[]> {
    const { fromMs, toMs } = query.days;
    const cached = isUnfiltered(query) ? await this.cachedReports.cachedDays(query.days, entity) : { days: [], untilMs: fromMs };
    const rows = await this.activity.by({ ...query, days: { fromMs: cached.untilMs, toMs } }, ['day']);
    const uncached = rows.map(({ day, sums }) => ({ fromMs: Number(day), sums })).toSorted((a, b) => a.fromMs - b.fromMs);
    return [
      ...cached.days.map((day) => ({ ...day, read: () => this.readCached(day, entity) })),
      ...uncached.map((day) => ({ ...day, read: () => this.readFromCalls(query, day, entity) })),
    ];
  } // prettier-ignore

  private async readCached({ fromMs, sums }: DaySums, entity: Entity) {
    return { sums, breakdown: await this.cachedReports.breakdownOf(entity, fromMs) };
  }

  private async readFromCalls(query: ActivityQuery, { fromMs }: DaySums, entity: Entity) {
    const dimensions = new Set([...PARTS, entity]);
    const days = { fromMs, toMs: fromMs + DAY_MS };
    const parts = await this.activity.by({ ...query, days }, [...dimensions], 'all');
    return { sums: totalOf(parts), breakdown: breakdownOf(parts, (part) => part[entity]) };
  }

  private async nameTeams(entities: Record<string, NamedMetrics>): Promise<void> {
    const teams = await this.database.read((manager) =>
      this.teams.in(manager).find({
        select: { teamId: true, teamAlias: true },
        where: { teamId: In(Object.keys(entities)) },
      }),
    );
    for (const { teamId, teamAlias } of teams) entities[teamId]!.metadata = { team_alias: teamAlias };
  }
}

const spendByName = (metricsByName: Readonly<Record<string, { readonly metrics: Metrics }>> = {}) =>
  Object.fromEntries(Object.entries(metricsByName).map(([name, { metrics }]) => [name, metrics.spend]));
