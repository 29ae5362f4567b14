import { Inject, Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { CLOCK, type Clock, DAY_MS } from '../platform/clock.js';
import { Database } from '../database/database.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import type { Principal } from '../policy/principal.js';
import { Activity, type ActivityQuery } from './activity.js';
import type {
  ActiveUsers,
  DistinctTags,
  PerUserAnalytics,
  PerUserQuery,
  TagActiveUsers,
  TagFilterQuery,
  TagMetrics,
  TagSummary,
  TagSummaryQuery,
} from './client-analytics.dto.js';
import { dayName, type Days, requiredDays } from './days.js';
import { groupRows, tokensOf, totalOf, usdOf } from './sums.js';

/** LiteLLM's tag of a call's program. */
const PREFIX = 'User-Agent: ';
const PREFIX_FORM = /^user-agent:\s*/i;
const MAX_TAGS = 250;
const MAX_USERS = 10_000;
const USUAL_PAGE_SIZE = 50;
const SPANS = 7;
const PER_USER_DAYS = 30;

/** The spans in which active users are counted, with their days and LiteLLM's name of one. */
const SPAN_FORMS = {
  day: { days: 1, nameOf: (_: number, start: number) => dayName(start) },
  week: {
    days: 7,
    nameOf: (at: number, start: number) => `Week ${at} (${MONTH_AND_DAY.format(start)})`,
  },
  month: { days: 30, nameOf: (at: number, start: number) => `Month ${at} (${MONTH.format(start)})` },
} as const;
const MONTH_AND_DAY = new Intl.DateTimeFormat('en-US', { month: 'short', day: '2-digit', timeZone: 'UTC' });
const MONTH = new Intl.DateTimeFormat('en-US', { month: 'short', timeZone: 'UTC' });

/** A way to read names: plain tags, products, or products with a version. */
interface NameSource {
  readonly by: 'tag' | 'client';
  readonly filter: Pick<ActivityQuery, 'tags' | 'clients' | 'nameContains'>;
  readonly label: (name: string) => string;
}

/** Reports who calls with which program and tag, in LiteLLM's form. */
@Injectable()
export class ClientAnalytics {
  constructor(
    private readonly activity: Activity,
    private readonly database: Database,
    private readonly users: UserRepository,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Returns the tags of the last 30 days, those with the most calls first, at most 250. */
  async distinct(caller: Principal): Promise<DistinctTags> {
    const rows = await this.summed({ days: this.lastDays(PER_USER_DAYS), caller }, {});
    const byCalls = rows.toSorted((a, b) => b.total_requests - a.total_requests);
    return { results: byCalls.slice(0, MAX_TAGS).map(({ tag }) => ({ tag })) };
  }

  /** Counts the users of each tag in the last seven days, weeks or months of 30 days, latest first. */
  async activeUsers(
    span: keyof typeof SPAN_FORMS,
    filter: TagFilterQuery,
    caller: Principal,
  ): Promise<ActiveUsers> {
    const { days: length, nameOf } = SPAN_FORMS[span];
    const days = this.lastDays(SPANS * length);
    const spanMs = length * DAY_MS;
    const found: { readonly span: number; readonly row: TagActiveUsers }[] = [];
    for (const { by, filter: names, label } of nameSources(filter)) {
      for (const row of await this.activity.usersBySpan({ days, caller, ...names }, by, spanMs)) {
        const start = days.fromMs + row.span * spanMs;
        found.push({
          span: row.span,
          row: {
            tag: label(row.name),
            active_users: row.users,
            date: nameOf(row.span + 1, start),
            period_start: length === 1 ? null : dayName(start),
            period_end: length === 1 ? null : dayName(start + spanMs - DAY_MS),
          },
        });
      }
    }
    found.sort((a, b) => b.span - a.span || b.row.active_users - a.row.active_users);
    return { results: found.map(({ row }) => row) };
  }

  /** Sums the calls of each tag, highest spend first. */
  async summary(query: TagSummaryQuery, caller: Principal): Promise<TagSummary> {
    const rows = await this.summed({ days: requiredDays(query), caller }, query);
    return { results: rows.toSorted((a, b) => b.total_spend - a.total_spend) };
  }

  /** Sums the calls of each user in the last 30 days, those with the most successful ones first. */
  async perUser(query: PerUserQuery, caller: Principal): Promise<PerUserAnalytics> {
    const { page = 1, page_size = USUAL_PAGE_SIZE } = query;
    const days = this.lastDays(PER_USER_DAYS);
    const parts = await Promise.all(
      userAgentSources(query).map(({ filter }) =>
        this.activity.by({ days, caller, ...filter }, ['user', 'client'], MAX_USERS),
      ),
    );
    const rows = parts.flat().filter(({ user }) => user !== '');
    const sums = groupRows(rows, ({ user }) => user).map(([user, own]) => {
      const total = totalOf(own);
      const agents = own.map(({ client }) => client).toSorted();
      return { user, agent: agents[0]!, total, succeeded: total.calls - total.failed };
    });
    sums.sort((a, b) => b.succeeded - a.succeeded || (a.user < b.user ? -1 : 1));
    const shown = sums.slice((page - 1) * page_size, page * page_size);
    const emails = await this.emailsOf(shown.map(({ user }) => user));
    return {
      results: shown.map(({ user, agent, total, succeeded }) => ({
        user_id: user,
        user_email: emails.get(user) ?? null,
        user_agent: PREFIX + agent,
        successful_requests: succeeded,
        failed_requests: total.failed,
        total_requests: total.calls,
        total_tokens: tokensOf(total),
        spend: usdOf(total),
      })),
      total_count: sums.length,
      page,
      page_size,
      total_pages: Math.ceil(sums.length / page_size),
    };
  }

  private async summed(query: ActivityQuery, filter: TagFilterQuery): Promise<TagMetrics[]> {
    const results: TagMetrics[] = [];
    for (const { by, filter: names, label } of nameSources(filter))
      for (const { sums, users, ...row } of await this.activity.withUsers({ ...query, ...names }, [by]))
        results.push({
          tag: label((row as unknown as Record<string, string>)[by]!),
          unique_users: users,
          total_requests: sums.calls,
          successful_requests: sums.calls - sums.failed,
          failed_requests: sums.failed,
          total_tokens: tokensOf(sums),
          total_spend: usdOf(sums),
        });
    return results;
  }

  /** Returns the last whole UTC days, today as the last one. */
  private lastDays(days: number): Days {
    const toMs = Date.parse(dayName(this.clock().getTime())) + DAY_MS;
    return { fromMs: toMs - days * DAY_MS, toMs };
  }

  private async emailsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
    if (!ids.length) return new Map();
    const rows = await this.database.read((manager) =>
      this.users.in(manager).find({ select: { userId: true, userEmail: true }, where: { userId: In([...ids]) } }),
    ); // prettier-ignore
    return new Map(rows.map(({ userId, userEmail }) => [userId, userEmail]));
  }
}

const plain = (name: string) => name;
const prefixed = (name: string) => PREFIX + name;

/** Returns where the tags of this filter are found. */
function nameSources({ tag_filter, tag_filters }: TagFilterQuery): NameSource[] {
  const only = tag_filters?.length ? tag_filters : undefined;
  const agents = only?.filter((tag) => PREFIX_FORM.test(tag));
  const tags = only?.filter((tag) => !PREFIX_FORM.test(tag));
  return [
    ...(agents && !agents.length ? [] : versionedSources(agents, tag_filter)),
    ...(tags && !tags.length
      ? []
      : [{ by: 'tag' as const, filter: { tags: { only: tags }, ...containing(only, tag_filter) }, label: plain }]),
  ]; // prettier-ignore
}

/** Returns the sources of products and of products with a version. */
function versionedSources(only: readonly string[] | undefined, text: string | undefined): NameSource[] {
  const names = only?.map((tag) => tag.replace(PREFIX_FORM, ''));
  return (['product', 'user_agent'] as const).map((kind) => ({
    by: 'client' as const,
    filter: {
      clients: { kind, only: names, ...(kind === 'user_agent' && { versioned: true as const }) },
      ...containing(only, text?.replace(PREFIX_FORM, '')),
    },
    label: prefixed,
  }));
}

/** Returns the sources of user agents in which each call is found at most once. */
function userAgentSources({ tag_filter, tag_filters }: TagFilterQuery): NameSource[] {
  if (!tag_filters?.length)
    return [
      {
        by: 'client',
        filter: {
          clients: { kind: 'user_agent' },
          ...containing(undefined, tag_filter?.replace(PREFIX_FORM, '')),
        },
        label: prefixed,
      },
    ];
  const names = tag_filters.map((tag) => tag.replace(PREFIX_FORM, ''));
  const products = names.filter((name) => !name.includes('/'));
  const versions = names.filter((name) => name.includes('/') && !products.includes(name.split('/')[0]!));
  return ([['product', products], ['user_agent', versions]] as const)
    .filter(([, only]) => only.length)
    .map(([kind, only]) => ({ by: 'client', filter: { clients: { kind, only } }, label: prefixed }));
} // prettier-ignore

const containing = (only: readonly string[] | undefined, text: string | undefined) =>
  only || !text ? {} : { nameContains: text };
