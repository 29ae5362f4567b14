import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { Database } from '../../database/database.js';
import { usdFromNanoUsd } from '../../policy/money.js';
import { Team } from '../../teams/team.entity.js';
import { Activity, type Asked, type Dimension, type Row } from './activity.js';
import type { DailyActivityPage, DaySpend, Metrics, NamedMetrics } from './daily-activity.dto.js';
import { DAY_MS } from '../../clock.js';
import { dayName, type Days } from './days.js';
import { grouped, type Sums, tokensOf, totalOf, usdOf } from './sums.js';

/** The most days on one page. */
const MOST_DAYS = 31;
/** The most that are told by name in one breakdown: the dearest. What is above them counts all. */
const MOST_NAMES = 100;

type Entity = Extract<Dimension, 'user' | 'team' | 'organization' | 'endUser' | 'tag'>;
const PARTS = ['model', 'provider', 'callType', 'key', 'team'] as const;
type Part = Row<(typeof PARTS)[number] | Entity>;

/** Tells what calls came to on each day, and on whom and what. One statement for each day, so that calls come in between. */
@Injectable()
export class DailyActivity {
  constructor(
    private readonly activity: Activity,
    private readonly database: Database,
  ) {}

  /** Days with calls, latest first, a page at a time: whole days. */
  async page(asked: Asked, entity: Entity, { page = 1, page_size = MOST_DAYS }): Promise<DailyActivityPage> {
    const busy = (await this.busyDays(asked)).toReversed();
    const size = Math.min(page_size, MOST_DAYS);
    const total_pages = Math.max(1, Math.ceil(busy.length / size));
    const results: DaySpend[] = [];
    const told: { readonly sums: Sums }[] = [];
    for (const days of busy.slice((page - 1) * size, page * size)) {
      const parts = await this.partsOf({ ...asked, days }, entity);
      const sums = totalOf(parts);
      told.push({ sums });
      results.push({
        date: dayName(days.fromMs),
        metrics: metricsOf(sums),
        breakdown: await this.breakdownOf(parts, entity),
      });
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
  async summary(asked: Asked): Promise<object[]> {
    const busy = new Map((await this.busyDays(asked)).map((days) => [days.fromMs, days]));
    const rows: object[] = [];
    for (let day = asked.days.fromMs; day < asked.days.toMs; day += DAY_MS) {
      const days = busy.get(day);
      const parts = days ? await this.activity.by({ ...asked, days }, ['user', 'model', 'key'], 'all') : [];
      rows.push({
        ...spentBy(parts, ({ key }) => key),
        startTime: dayName(day),
        spend: usdOf(totalOf(parts)),
        users: spentBy(parts, ({ user }) => user),
        models: spentBy(parts, ({ model }) => model),
      });
    }
    return rows;
  } // prettier-ignore

  private async busyDays(asked: Asked): Promise<Days[]> {
    const rows = await this.activity.by(asked, ['day']);
    const days = rows.map(({ day }) => Number(day)).toSorted((a, b) => a - b);
    return days.map((fromMs) => ({ fromMs, toMs: fromMs + DAY_MS }));
  }

  private partsOf(asked: Asked, entity: Entity): Promise<Part[]> {
    return this.activity.by(asked, [...new Set<(typeof PARTS)[number] | Entity>([...PARTS, entity])], 'all');
  } // prettier-ignore

  private async breakdownOf(parts: readonly Part[], entity: Entity): Promise<DaySpend['breakdown']> {
    const models = named(parts, ({ model }) => model);
    const entities = named(parts, (part) => part[entity]);
    if (entity === 'team') await this.nameTeams(entities);
    return {
      mcp_servers: {},
      models,
      model_groups: models,
      providers: named(parts, ({ provider }) => provider),
      endpoints: named(parts, ({ callType }) => callType),
      api_keys: keysOf(parts),
      entities,
    };
  }

  private async nameTeams(entities: Record<string, NamedMetrics>): Promise<void> {
    const teams = await this.database.read((manager) =>
      manager.find(Team, {
        select: { teamId: true, teamAlias: true },
        where: { teamId: In(Object.keys(entities)) },
      }),
    );
    for (const { teamId, teamAlias } of teams) entities[teamId]!.metadata = { team_alias: teamAlias };
  }
}

const metricsOf = (sums: Sums): Metrics => ({
  spend: usdOf(sums),
  prompt_tokens: sums.inputTokens,
  completion_tokens: sums.outputTokens,
  cache_read_input_tokens: sums.cachedInputTokens,
  cache_creation_input_tokens: sums.cacheWriteTokens,
  total_tokens: tokensOf(sums),
  successful_requests: sums.calls - sums.failed,
  failed_requests: sums.failed,
  api_requests: sums.calls,
});

/** The dearest groups of rows by name; what has no name is in none. */
function dearest<T extends { readonly sums: Sums }>(rows: readonly T[], nameOf: (row: T) => string) {
  return grouped(rows, nameOf)
    .filter(([name]) => name !== '')
    .map(([name, of]) => ({ name, of, sums: totalOf(of) }))
    .toSorted((a, b) => Number(b.sums.costNanoUsd - a.sums.costNanoUsd))
    .slice(0, MOST_NAMES);
}

const spentBy = <T extends { readonly sums: Sums }>(rows: readonly T[], nameOf: (row: T) => string) =>
  Object.fromEntries(dearest(rows, nameOf).map(({ name, sums }) => [name, usdFromNanoUsd(sums.costNanoUsd)]));

const named = (parts: readonly Part[], nameOf: (part: Part) => string): Record<string, NamedMetrics> =>
  Object.fromEntries(
    dearest(parts, nameOf).map(({ name, of, sums }) => [
      name,
      { metrics: metricsOf(sums), metadata: {}, api_key_breakdown: keysOf(of) },
    ]),
  );

const keysOf = (parts: readonly Part[]) =>
  Object.fromEntries(
    dearest(parts, ({ key }) => key).map(({ name, of, sums }) => [
      name,
      {
        metrics: metricsOf(sums),
        metadata: { key_alias: of[0]!.keyAlias, team_id: of[0]!.team || null },
      },
    ]),
  );
