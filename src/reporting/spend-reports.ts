import { Inject, Injectable, UnprocessableEntityException } from '@nestjs/common';
import { In } from 'typeorm';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import type { Principal } from '../policy/principal.js';
import { nanoUsd, usdFromNanoUsd } from '../policy/money.js';
import { lifetimeAccount, GLOBAL_ID } from '../ledger/account.js';
import { Accounts } from '../ledger/accounts.js';
import { Activity, type Asked, type Dimension, type Row } from './activity.js';
import { DailyActivity } from './daily-activity.js';
import { dayName, daysOrLately, requiredDays, weeksOf } from './days.js';
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
import { grouped, type Sums, tokensOf, totalOf, usdOf } from './sums.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';

/** What the calls that carried one tag cost. */
interface TagSpend {
  readonly name: string;
  readonly calls: number;
  readonly spend: number;
}

/** Tells what calls came to, added up. Whoever asks hears of what concerns them. */
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

  /** By tag, dearest first, bounded; a call with two tags counts for both. Of `only` these, if any. */
  async byTag(query: DatesQuery, caller: Principal, only?: readonly string[]): Promise<TagSpend[]> {
    const rows = await this.activity.by({ ...this.lately(query, caller), tags: { only } }, ['tag']);
    return rows.map(({ tag: name, sums }) => ({ name, calls: sums.calls, spend: usdOf(sums) }));
  }

  /** The dearest keys of the last 30 days. */
  async byKey(most: number, caller: Principal): Promise<KeySpend[]> {
    const rows = await this.activity.by(this.lately({}, caller), ['key'], most);
    const names = await this.keyNames(rows.map(({ key }) => key));
    return rows.map(({ key, keyAlias, sums }) => ({
      api_key: key,
      key_alias: keyAlias,
      key_name: names.get(key) ?? null,
      total_spend: usdOf(sums),
    }));
  }

  /** The dearest models of the last 30 days. */
  async byModel(most: number, caller: Principal): Promise<ModelSpend[]> {
    const rows = await this.activity.by(this.lately({}, caller), ['model'], most);
    return rows.map(({ model, sums }) => ({ model, total_spend: usdOf(sums) }));
  }

  /** The dearest end users, of one key if it is named. */
  async byEndUser(dto: EndUserSpendDto, caller: Principal): Promise<EndUserSpend[]> {
    const { startTime, endTime, api_key } = dto;
    const dates = { ...(startTime && { start_date: startTime.slice(0, DAY_CHARS) }), ...(endTime && { end_date: endTime.slice(0, DAY_CHARS) }) };
    const asked = { ...this.lately(dates, caller), of: { kind: 'endUser' } as const, ...(api_key !== undefined && { api_key }) };
    return (await this.activity.by(asked, ['endUser'], MOST_NAMES)).map(({ endUser, sums }) => ({
      end_user: endUser,
      total_count: sums.calls,
      total_spend: usdOf(sums),
    }));
  } // prettier-ignore

  /** What the dearest teams cost, in all and on each of the last 30 days. */
  async byTeam(caller: Principal): Promise<TeamSpend> {
    const asked = this.lately({}, caller);
    const totals = await this.activity.by({ ...asked, of: { kind: 'team' } }, ['team'], MOST_NAMES);
    if (!totals.length) return { daily_spend: [], teams: [], total_spend_per_team: [] };
    const only = totals.map(({ team }) => team);
    const names = await this.teamNames(only);
    const nameOf = (team: string) => names.get(team) ?? team;
    const daily = byDay(await this.whole({ ...asked, of: { kind: 'team', among: only } }, ['day', 'team']));
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

  /** By day, then by team or customer, each with its models and keys. */
  async byParty(query: SpendReportQuery, caller: Principal): Promise<PartyReport[]> {
    const [dimension, list, name] = PARTIES[query.group_by === 'customer' ? 'customer' : 'team'];
    const asked = { ...this.reported(query, caller), of: { kind: dimension } };
    const rows: Row<'day' | typeof dimension | 'model' | 'key'>[] = [];
    for (const days of weeksOf(asked.days)) rows.push(...(await this.whole({ ...asked, days }, ['day', dimension, 'model', 'key'], rows.length)));
    const names = dimension === 'team' ? await this.teamNames(rows.map(({ team }) => team)) : new Map<string, string>();
    return byDay(rows).map(([day, ofDay]) => ({
      group_by_day: `${day}T00:00:00+00:00`,
      [list]: grouped(ofDay, (row) => row[dimension]).map(([id, of]) => ({
        [name]: names.get(id) ?? id,
        total_spend: usdOf(totalOf(of)),
        metadata: of.map(({ model, key, sums }) => ({
          model,
          spend: usdOf(sums),
          total_tokens: tokensOf(sums),
          api_key: key,
        })),
      })),
    }));
  } // prettier-ignore

  /** By key, dearest first, each with its models. */
  async ofKeys(query: SpendReportQuery, caller: Principal): Promise<KeyReport[]> {
    const rows = await this.whole(this.reported(query, caller), ['key', 'model']);
    const figures = (sums: Sums) => ({
      total_cost: usdOf(sums),
      total_input_tokens: sums.inputTokens,
      total_output_tokens: sums.outputTokens,
    });
    return grouped(rows, ({ key }) => key).map(([api_key, of]) => ({
      api_key,
      ...figures(totalOf(of)),
      model_details: of.map(({ model, sums }) => ({ model, ...figures(sums) })),
    }));
  }

  /** How many calls there were on each day, and of how many tokens. */
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

  /** Everything this proxy ever spent, and its budget. */
  async global(): Promise<{ spend: number; max_budget: number | null }> {
    const account = lifetimeAccount('global', GLOBAL_ID);
    const spent = await this.accounts.spentOn([account]);
    return {
      spend: usdFromNanoUsd(nanoUsd(spent.get(account.id) ?? 0n)),
      max_budget: this.config.litellm.maxBudgetUsd ?? null,
    };
  }

  private lately(query: DatesQuery, caller: Principal): Asked {
    return { days: daysOrLately(query, this.clock()), caller };
  }

  private reported(query: SpendReportQuery, caller: Principal): Asked {
    const { api_key, internal_user_id: user_id, team_id, customer_id: end_user } = query;
    const whose = Object.entries({ api_key, user_id, team_id, end_user }).filter(([, given]) => given !== undefined);
    return { ...Object.fromEntries(whose), days: requiredDays(query), caller };
  } // prettier-ignore

  /** All rows, so that their sums are whole; 422 when one answer cannot hold them beside those it has. */
  private async whole<D extends Dimension>(asked: Asked, by: readonly D[], already = 0): Promise<Row<D>[]> {
    const most = MOST_ROWS - already;
    const rows = await this.activity.by(asked, by, most + 1);
    if (rows.length <= most) return rows;
    const message = `too many rows for one report (more than ${MOST_ROWS}): ask about fewer days`;
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

/** One answer holds no more rows. */
const MOST_ROWS = 10_000;
/** As many teams or end users are told, the dearest. */
const MOST_NAMES = 100;
const DAY_CHARS = 10;

const PARTIES = {
  team: ['team', 'teams', 'team_name'],
  customer: ['endUser', 'customers', 'customer'],
} as const;

/** As LiteLLM writes it: `Jan 22`. */
const DAY_OF_MONTH = new Intl.DateTimeFormat('en-US', { month: 'short', day: '2-digit', timeZone: 'UTC' });

/** Rows of each day, earliest first. */
const byDay = <T extends { readonly day: string }>(rows: readonly T[]): [date: string, rows: T[]][] =>
  grouped(rows, ({ day }) => Number(day))
    .toSorted(([a], [b]) => a - b)
    .map(([day, of]) => [dayName(day), of]);
