import { Inject, Injectable, UnprocessableEntityException } from '@nestjs/common';
import { In } from 'typeorm';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import type { Principal } from '../policy/principal.js';
import { nanoUsd, usdFromNanoUsd } from '../policy/money.js';
import { lifetimeAccount, GLOBAL_ID } from '../ledger/account.js';
import { Accounts } from '../ledger/accounts.js';
import { Activity, type ActivityQuery, type Dimension, type Row } from './activity.js';
import { DailyActivity } from './daily-activity.js';
import { dayName, daysOrLastDays, requiredDays, weeksOf } from './days.js';
import type {
  EndUserSpend,
  EndUserSpendDto,
  GlobalActivity,
  KeyReport,
  KeySpend,
  ModelSpend,
  PartyReport,
  SpendReportQuery,
  TeamSpend,
} from './global-spend.dto.js';
import type { DatesQuery } from '../http/dates-query.dto.js';
import { groupRows, type Sums, tokensOf, totalOf, usdOf } from './sums.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';

/** The cost of calls that carried one tag. */
interface TagSpend {
  readonly name: string;
  readonly calls: number;
  readonly spend: number;
}

/** Adds up calls for reports. A caller sees only calls that concern them. */
@Injectable()
export class SpendReports {
  constructor(
    private readonly database: Database,
    private readonly activity: Activity,
    private readonly daily: DailyActivity,
    private readonly accounts: Accounts,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly teams: TeamRepository,
    private readonly keys: KeyRepository,
  ) {}

  /** Sums by tag, highest spend first, bounded. A call with two tags counts for both. `only`: limits the tags. */
  async byTag(query: DatesQuery, caller: Principal, only?: readonly string[]): Promise<TagSpend[]> {
    const rows = await this.activity.by({ ...this.lastDays(query, caller), tags: { only } }, ['tag']);
    return rows.map(({ tag: name, sums }) => ({ name, calls: sums.calls, spend: usdOf(sums) }));
  }

  /** Returns the keys with the highest spend of the last 30 days. */
  async byKey(most: number, caller: Principal): Promise<KeySpend[]> {
    const rows = await this.activity.by(this.lastDays({}, caller), ['key'], most);
    const names = await this.keyNames(rows.map(({ key }) => key));
    return rows.map(({ key, keyAlias, sums }) => ({
      api_key: key,
      key_alias: keyAlias,
      key_name: names.get(key) ?? null,
      total_spend: usdOf(sums),
    }));
  }

  /** Returns the models with the highest spend of the last 30 days. */
  async byModel(most: number, caller: Principal): Promise<ModelSpend[]> {
    const rows = await this.activity.by(this.lastDays({}, caller), ['model'], most);
    return rows.map(({ model, sums }) => ({ model, total_spend: usdOf(sums) }));
  }

  /** Returns the end users with the highest spend, for one key if `api_key` is set. */
  async byEndUser(dto: EndUserSpendDto, caller: Principal): Promise<EndUserSpend[]> {
    const { startTime, endTime, api_key } = dto;
    const dates = { ...(startTime && { start_date: startTime.slice(0, DAY_CHARS) }), ...(endTime && { end_date: endTime.slice(0, DAY_CHARS) }) };
    const query = { ...this.lastDays(dates, caller), owner: { kind: 'endUser' } as const, ...(api_key !== undefined && { api_key }) };
    return (await this.activity.by(query, ['endUser'], MAX_NAMES)).map(({ endUser, sums }) => ({
      end_user: endUser,
      total_count: sums.calls,
      total_spend: usdOf(sums),
    }));
  } // prettier-ignore

  /** Returns the teams with the highest spend of the last 30 days, in all and per day. */
  async byTeam(caller: Principal): Promise<TeamSpend> {
    const query = this.lastDays({}, caller);
    const totals = await this.activity.by({ ...query, owner: { kind: 'team' } }, ['team'], MAX_NAMES);
    if (!totals.length) return { daily_spend: [], teams: [], total_spend_per_team: [] };
    const only = totals.map(({ team }) => team);
    const names = await this.teamNames(only);
    const nameOf = (team: string) => names.get(team) ?? team;
    const daily = byDay(
      await this.allRows({ ...query, owner: { kind: 'team', among: only } }, ['day', 'team']),
    );
    return {
      daily_spend: daily.map(([date, rows]) => ({
        ...Object.fromEntries(rows.map(({ team, sums }) => [nameOf(team), usdOf(sums)])),
        date,
      })),
      teams: only.map(nameOf),
      total_spend_per_team: totals.map(({ team, sums }) => ({
        team_id: nameOf(team),
        total_spend: usdOf(sums),
      })),
    };
  }

  /**
   * Returns the report that LiteLLM's documentation names for these parameters: the keys of a key or user, else days.
   * It has all calls, also those without a team or customer.
   */
  report(query: SpendReportQuery, caller: Principal): Promise<(PartyReport | KeyReport)[]> {
    const { api_key, internal_user_id, team_id, customer_id } = query;
    const isOfOneHolder = (api_key ?? internal_user_id) !== undefined;
    const { group_by = customer_id === undefined ? 'team' : team_id === undefined ? 'customer' : 'team_customer' } =
      query;
    return isOfOneHolder || group_by === 'api_key'
      ? this.byKeyAndModel(query, caller)
      : this.byParty(query, group_by, caller);
  } // prettier-ignore

  /** Sums by day, then by team, customer or both, each with its models and keys. */
  private async byParty(
    query: SpendReportQuery,
    group: keyof typeof PARTIES,
    caller: Principal,
  ): Promise<PartyReport[]> {
    const { list, dimensions } = PARTIES[group];
    const isByClient = group === 'user_agent' || group === 'originator';
    const report = { ...this.reportQuery(query, caller), ...(isByClient && { clients: { kind: group } }) };
    const rows: Row<'day' | 'team' | 'endUser' | 'client' | 'model' | 'key'>[] = [];
    for (const days of weeksOf(report.days)) rows.push(...(await this.allRows({ ...report, days }, ['day', ...dimensions, 'model', 'key'], rows.length)));
    const names = await this.teamNames(rows.flatMap(({ team }) => team || []));
    const nameOf = {
      team: ({ team }: { team: string }) => ({ team_name: team ? (names.get(team) ?? team) : NO_TEAM }),
      endUser: ({ endUser }: { endUser: string }) => ({ customer: endUser }),
      client: ({ client }: { client: string }) => ({ [group]: client }),
    };
    return byDay(rows).map(([day, rowsOfDay]) => ({
      group_by_day: `${day}T00:00:00+00:00`,
      [list]: groupRows(rowsOfDay, (row) => JSON.stringify(dimensions.map((name) => row[name]))).map(([, rowsOfParty]) => ({
        ...Object.assign({}, ...dimensions.map((name) => nameOf[name](rowsOfParty[0]!))),
        total_spend: usdOf(totalOf(rowsOfParty)),
        metadata: rowsOfParty.map(({ model, key, sums }) => ({
          model,
          spend: usdOf(sums),
          total_tokens: tokensOf(sums),
          api_key: key,
        })),
      })),
    }));
  } // prettier-ignore

  /** Sums by key, highest spend first, each with its models. */
  private async byKeyAndModel(query: SpendReportQuery, caller: Principal): Promise<KeyReport[]> {
    const rows = await this.allRows(this.reportQuery(query, caller), ['key', 'model']);
    const figures = (sums: Sums) => ({
      total_cost: usdOf(sums),
      total_input_tokens: sums.inputTokens,
      total_output_tokens: sums.outputTokens,
    });
    return groupRows(rows, ({ key }) => key).map(([api_key, rowsOfKey]) => ({
      api_key,
      ...figures(totalOf(rowsOfKey)),
      model_details: rowsOfKey.map(({ model, sums }) => ({ model, ...figures(sums) })),
    }));
  }

  /** Counts calls and tokens per day. */
  async activityByDay(query: DatesQuery, caller: Principal): Promise<GlobalActivity> {
    const days = await this.daily.busyDays({ days: requiredDays(query), caller }, 'user');
    const all = totalOf(days);
    return {
      daily_data: days.map(({ fromMs, sums }) => ({
        date: DAY_OF_MONTH.format(fromMs),
        api_requests: sums.calls,
        total_tokens: tokensOf(sums),
      })),
      sum_api_requests: all.calls,
      sum_total_tokens: tokensOf(all),
    };
  }

  /** Returns the lifetime spend of the proxy and its budget. */
  async global(): Promise<{ spend: number; max_budget: number | null }> {
    const account = lifetimeAccount('global', GLOBAL_ID);
    const spent = await this.accounts.spentOn([account]);
    return {
      spend: usdFromNanoUsd(nanoUsd(spent.get(account.id) ?? 0n)),
      max_budget: this.config.litellm.maxBudgetUsd ?? null,
    };
  }

  private lastDays(query: DatesQuery, caller: Principal): ActivityQuery {
    return { days: daysOrLastDays(query, this.clock()), caller };
  }

  private reportQuery(query: SpendReportQuery, caller: Principal): ActivityQuery {
    const { api_key, internal_user_id: user_id, team_id, customer_id: end_user } = query;
    const filter = Object.entries({ api_key, user_id, team_id, end_user }).filter(([, value]) => value !== undefined);
    return { ...Object.fromEntries(filter), days: requiredDays(query), caller };
  } // prettier-ignore

  /** Reads all rows, so that sums are complete. Throws 422 if one response cannot hold them beside `rowsSoFar`. */
  private async allRows<D extends Dimension>(
    query: ActivityQuery,
    by: readonly D[],
    rowsSoFar = 0,
  ): Promise<Row<D>[]> {
    const most = MAX_ROWS - rowsSoFar;
    const rows = await this.activity.by(query, by, most + 1);
    if (rows.length <= most) return rows;
    const message = `too many rows for one report (more than ${MAX_ROWS}): ask about fewer days`;
    throw new UnprocessableEntityException({ message, fields: [{ field: 'start_date', message }] });
  }

  private async teamNames(ids: readonly string[]): Promise<Map<string, string>> {
    const teams = await this.database.read((manager) =>
      this.teams.in(manager).find({ select: { teamId: true, teamAlias: true }, where: { teamId: In([...new Set(ids)]) } }),
    );
    return new Map(teams.flatMap(({ teamId, teamAlias }) => (teamAlias ? [[teamId, teamAlias] as const] : [])));
  } // prettier-ignore

  private async keyNames(hashes: readonly string[]): Promise<Map<string, string>> {
    const keys = await this.database.read((manager) =>
      this.keys.in(manager).find({
        select: { secretHash: true, keyName: true },
        where: { secretHash: In([...hashes]) },
      }),
    );
    return new Map(keys.map(({ secretHash, keyName }) => [secretHash, keyName]));
  }
}

/** The most rows in one response. */
const MAX_ROWS = 10_000;
/** The most teams or end users in one report, highest spend first. */
const MAX_NAMES = 100;
const DAY_CHARS = 10;

const PARTIES = {
  team: { list: 'teams', dimensions: ['team'] },
  customer: { list: 'customers', dimensions: ['endUser'] },
  team_customer: { list: 'teams_customers', dimensions: ['team', 'endUser'] },
  user_agent: { list: 'user_agents', dimensions: ['client'] },
  originator: { list: 'originators', dimensions: ['client'] },
} as const satisfies Record<
  string,
  { readonly list: keyof PartyReport; readonly dimensions: readonly Dimension[] }
>;

/** LiteLLM's name for calls without a team. */
const NO_TEAM = 'Unassigned Team';

/** Formats a day as LiteLLM does: `Jan 22`. */
const DAY_OF_MONTH = new Intl.DateTimeFormat('en-US', { month: 'short', day: '2-digit', timeZone: 'UTC' });

/** Groups rows by day, earliest first. */
const byDay = <T extends { readonly day: string }>(rows: readonly T[]): [date: string, rows: T[]][] =>
  groupRows(rows, ({ day }) => Number(day))
    .toSorted(([a], [b]) => a - b)
    .map(([day, rowsOfDay]) => [dayName(day), rowsOfDay]);
