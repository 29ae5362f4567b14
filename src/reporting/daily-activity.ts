import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { Database } from '../database/database.js';
import { Activity, type Asked } from './activity.js';
import { breakdownOf, type Entity, metricsOf, PARTS } from './breakdown.js';
import type { Breakdown, DailyActivityPage, DaySpend, Metrics, NamedMetrics } from './daily-activity.dto.js';
import type { SpendLogSummary } from './spend.dto.js';
import { DAY_MS } from '../platform/clock.js';
import { dayName } from './days.js';
import { type DaySums, isUnfiltered, DailyReportCache } from './daily-report-cache.js';
import { type Sums, tokensOf, totalOf, usdOf } from './sums.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';

/** The most days on one page. */
const MOST_DAYS = 31;

interface BusyDay extends DaySums {
  /** Of the same instant: while calls come in, what came to more than `sums`. */
  told(): Promise<{ readonly sums: Sums; readonly breakdown: Breakdown }>;
}

/** Tells what calls came to on each day, and on whom and what. One statement for each day, so that calls come in between. */
@Injectable()
export class DailyActivity {
  constructor(
    private readonly activity: Activity,
    private readonly kept: DailyReportCache,
    private readonly database: Database,
    private readonly teams: TeamRepository,
  ) {}

  /** Days with calls, latest first, a page at a time: whole days. */
  async page(asked: Asked, entity: Entity, { page = 1, page_size = MOST_DAYS }): Promise<DailyActivityPage> {
    const busy = (await this.busyDays(asked, entity)).toReversed();
    const size = Math.min(page_size, MOST_DAYS);
    const total_pages = Math.max(1, Math.ceil(busy.length / size));
    const results: DaySpend[] = [];
    const told: { readonly sums: Sums }[] = [];
    for (const day of busy.slice((page - 1) * size, page * size)) {
      const { sums, breakdown } = await day.told();
      if (entity === 'team') await this.nameTeams(breakdown.entities);
      told.push({ sums });
      results.push({ date: dayName(day.fromMs), metrics: metricsOf(sums), breakdown });
    }
    const total = totalOf(told);
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

  /** What was spent on each of these days, earliest first, also where it was nothing; LiteLLM's summary of `/spend/logs`. */
  async summary(asked: Asked): Promise<SpendLogSummary[]> {
    const busy = new Map((await this.busyDays(asked, 'user')).map((day) => [day.fromMs, day]));
    const rows: SpendLogSummary[] = [];
    for (let fromMs = asked.days.fromMs; fromMs < asked.days.toMs; fromMs += DAY_MS) {
      const told = await busy.get(fromMs)?.told();
      rows.push({
        ...spends(told?.breakdown.api_keys),
        startTime: dayName(fromMs),
        spend: told ? usdOf(told.sums) : 0,
        users: spends(told?.breakdown.entities),
        models: spends(told?.breakdown.models),
      });
    }
    return rows;
  }

  /** Days with calls, earliest first, and what these came to. */
  async busyDays(asked: Asked, entity: Entity): Promise<BusyDay[]> {
    const { fromMs, toMs } = asked.days;
    const kept = isUnfiltered(asked) ? await this.kept.among(asked.days, entity) : { days: [], untilMs: fromMs };
    const rows = await this.activity.by({ ...asked, days: { fromMs: kept.untilMs, toMs } }, ['day']);
    const others = rows.map(({ day, sums }) => ({ fromMs: Number(day), sums })).toSorted((a, b) => a.fromMs - b.fromMs);
    return [
      ...kept.days.map((day) => ({ ...day, told: () => this.toldOfKept(day, entity) })),
      ...others.map((day) => ({ ...day, told: () => this.toldOf(asked, day, entity) })),
    ];
  } // prettier-ignore

  private async toldOfKept({ fromMs, sums }: DaySums, entity: Entity) {
    return { sums, breakdown: await this.kept.breakdownOf(entity, fromMs) };
  }

  private async toldOf(asked: Asked, { fromMs }: DaySums, entity: Entity) {
    const dimensions = new Set([...PARTS, entity]);
    const days = { fromMs, toMs: fromMs + DAY_MS };
    const parts = await this.activity.by({ ...asked, days }, [...dimensions], 'all');
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

const spends = (named: Readonly<Record<string, { readonly metrics: Metrics }>> = {}) =>
  Object.fromEntries(Object.entries(named).map(([name, { metrics }]) => [name, metrics.spend]));
