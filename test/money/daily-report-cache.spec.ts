import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresIsThere } from '../harness/postgres.js';
import { migratedPostgres } from '../harness/templates.js';
import { DAY_MS } from '../../src/platform/clock.js';
import type { Config } from '../../src/config/config.js';
import { Database } from '../../src/database/database.js';
import { databaseOptions } from '../../src/database-options.js';
import { usdFromNanoUsd, type NanoUsd } from '../../src/policy/money.js';
import { BillingChainRow } from '../../src/ledger/billing-chain.entity.js';
import { BillingChainRepository } from '../../src/ledger/billing-chain.repository.js';
import { Team } from '../../src/parties/entities/team.entity.js';
import { TeamRepository } from '../../src/parties/repositories/team.repository.js';
import { DailyReport } from '../../src/reporting/daily-report.entity.js';
import { DailyReportRepository } from '../../src/reporting/daily-report.repository.js';
import { Retention } from '../../src/reporting/retention.js';
import { Activity } from '../../src/reporting/activity.js';
import { ActivitySums } from '../../src/reporting/activity-sums.js';
import type { Entity } from '../../src/reporting/breakdown.js';
import { DailyActivity } from '../../src/reporting/daily-activity.js';
import { DailyReportCache } from '../../src/reporting/daily-report-cache.js';

/** Proves that reports over all callers equal the ledger, call by call, at any stage of folding, summing up and keeping. */

const TODAY = Date.parse('2026-03-10T00:00:00Z');
const NOW = new Date(TODAY + DAY_MS / 2);
const DAYS = 9;
const CALLS = 40;
const SPAN = { fromMs: TODAY - (DAYS - 1) * DAY_MS, toMs: TODAY + DAY_MS };
const CALLER = { id: 'a', role: 'proxy_admin', userId: null, teams: new Map(), organizations: new Map() } as const; // prettier-ignore

interface Called {
  readonly ms: number;
  readonly chain: number;
  readonly model: string;
  readonly failed: boolean;
  readonly nanoUsd: bigint;
  readonly tokens: number;
  readonly tags: readonly string[];
}

/** Returns the team of a chain, if it has one. Amounts are too large for a double to be exact. */
const teamOf = (chain: number) => (chain % 3 ? `team-${chain % 2}` : null);
const callsOf = (day: number): Called[] =>
  Array.from({ length: CALLS }, (_, i) => ({
    ms: SPAN.fromMs + day * DAY_MS + i * 1_000,
    chain: (i * 7 + day) % 6,
    model: `m-${i % 4}`,
    failed: i % 9 === 0,
    nanoUsd: i % 9 === 0 ? 0n : 9_007_199_254_740_993n + BigInt(i * day),
    tokens: i,
    tags: i % 5 === 0 ? ['x', 'y'] : i % 5 === 1 ? ['x'] : [],
  }));

describe.each([
  { name: 'SQLite', skip: false },
  { name: 'PostgreSQL', skip: !(await postgresIsThere()) },
])('kept days on $name', ({ name, skip }) => {
  let source: DataSource;
  let close: () => unknown;
  let daily: DailyActivity;
  let cache: DailyReportCache;
  let sums: ActivitySums;
  let retention: Retention;
  const ledger: Called[] = [];

  beforeAll(async () => {
    if (skip) return;
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-'));
    const postgres = name === 'PostgreSQL' ? await migratedPostgres() : undefined;
    close = () => postgres?.drop() ?? rmSync(folder, { recursive: true });
    source = await new DataSource(databaseOptions(postgres?.url, folder)).initialize();
    await source.runMigrations();
    const database = new Database(source);
    const activity = new Activity(
      database,
      new BillingChainRepository(source.getRepository(BillingChainRow)),
    );
    cache = new DailyReportCache(
      database,
      activity,
      new DailyReportRepository(source.getRepository(DailyReport)),
    );
    daily = new DailyActivity(
      activity,
      cache,
      database,
      new TeamRepository(source.getRepository(Team), undefined as never),
    );
    sums = new ActivitySums(database, cache, () => NOW);
    retention = new Retention(database, {} as Config, () => NOW);
    for (let chain = 0; chain < 6; chain++) {
      const team = teamOf(chain);
      await source.query(
        `INSERT INTO chains (id, key_hash, user_id, team_id) VALUES ('c-${chain}', 'key-${chain}', 'user-${chain % 2}', ${team ? `'${team}'` : 'NULL'})`,
      );
    }
    for (let day = 0; day < DAYS - 1; day++) if (day !== 3) await write(callsOf(day));
  });
  afterAll(async () => {
    await source?.destroy();
    await close?.();
  });

  async function write(calls: readonly Called[]) {
    for (const { ms, chain, model, failed, nanoUsd, tokens, tags } of calls) {
      await source.query(
        `INSERT INTO ledger_entries (id, chain_id, state, bound_nano_usd, input_bound_nano_usd, cost_nano_usd, usage, request_id,
           request_tags, call_type, model, deployment_id, provider, opened_at, closed_at)
         VALUES ('e-${ledger.length}', 'c-${chain}', '${failed ? 'released' : 'settled'}', 0, 0, ${nanoUsd}, '{"outputTokens":${tokens}}', 'r',
           ${tags.length ? `'${JSON.stringify(tags)}'` : 'NULL'}, 'chat_completion', '${model}', 'd', 'openai', ${ms}, ${ms + 1})`,
      );
      ledger.push({ ms, chain, model, failed, nanoUsd, tokens, tags });
    }
  }

  /** Adds up calls by name: spend, calls, failures and tokens. Calls without a name are left out. */
  function added(calls: readonly Called[], nameOf: (call: Called) => readonly (string | null)[]) {
    const sums = new Map<string, [bigint, number, number, number]>();
    for (const call of calls)
      for (const one of nameOf(call).filter((one) => one !== null)) {
        const [cost, count, failed, tokens] = sums.get(one) ?? [0n, 0, 0, 0];
        sums.set(one, [cost + call.nanoUsd, count + 1, failed + Number(call.failed), tokens + call.tokens]);
      }
    return Object.fromEntries(
      [...sums].map(([one, [cost, ...rest]]) => [one, [usdFromNanoUsd(cost as NanoUsd), ...rest]]),
    );
  }

  function ofLedger(entity: Entity) {
    const about = {
      user: ({ chain }: Called) => [`user-${chain % 2}`],
      team: ({ chain }: Called) => [teamOf(chain)],
      tag: ({ tags }: Called) => tags,
    }[entity as 'user'];
    const days = new Map<number, Called[]>();
    for (const call of ledger.filter((one) => about(one).some((name) => name !== null))) {
      const day = call.ms - (call.ms % DAY_MS);
      // A call with two tags counts for both.
      days.set(day, [...(days.get(day) ?? []), ...about(call).map(() => call)]);
    }
    return [...days]
      .toSorted(([a], [b]) => b - a)
      .map(([day, calls]) => ({
        date: new Date(day).toISOString().slice(0, 10),
        all: added(calls, () => ['all']).all,
        models: added(calls, ({ model }) => [model]),
        keys: added(calls, ({ chain }) => [`key-${chain}`]),
        keysOfModel: added(calls.filter(({ model }) => model === 'm-1'), ({ chain }) => [`key-${chain}`]),
        entities: added([...new Set(calls)], about),
      })); // prettier-ignore
  }

  async function ofReport(entity: Entity) {
    const asked = {
      days: SPAN,
      caller: CALLER,
      ...(entity === 'team' && { owner: { kind: entity } }),
      ...(entity === 'tag' && { tags: {} }),
    } as const;
    const { results } = await daily.page(asked, entity, {});
    type Breakdown = Record<string, { metrics: (typeof results)[number]['metrics'] }>;
    const figures = ({ spend, api_requests, failed_requests, completion_tokens }: Breakdown[string]['metrics']) =>
      [spend, api_requests, failed_requests, completion_tokens]; // prettier-ignore
    const figuresByName = (entries: Breakdown = {}) =>
      Object.fromEntries(Object.entries(entries).map(([one, { metrics }]) => [one, figures(metrics)]));
    return results.map(({ date, metrics, breakdown }) => ({
      date,
      all: figures(metrics),
      models: figuresByName(breakdown.models),
      keys: figuresByName(breakdown.api_keys),
      keysOfModel: figuresByName(breakdown.models['m-1']?.api_key_breakdown),
      entities: figuresByName(breakdown.entities),
    }));
  }

  async function expectEqualReports(days: number) {
    const [{ n }] = await source.query(`SELECT CAST(count(*) AS text) AS n FROM kept_days WHERE entity = 'user'`);
    expect(Number(n)).toBe(days);
    for (const entity of ['user', 'team', 'tag'] as const)
      expect({ entity, days: await ofReport(entity) }).toEqual({ entity, days: ofLedger(entity) });
    const spent = (await daily.summary({ days: SPAN, caller: CALLER })) as { startTime: string; spend: number }[];
    expect(spent.filter(({ spend }) => spend).map(({ startTime, spend }) => [startTime, spend])).toEqual(
      ofLedger('user').map(({ date, all }) => [date, all![0]]).toReversed(),
    );
  } // prettier-ignore

  const summedUpTo = (day: number) => sums.sumUp(new Date(SPAN.fromMs + day * DAY_MS + 20_500));
  const keepAll = async () => {
    while (await cache.storeNextDay());
  };

  it.skipIf(skip)('tell the same at every step', async () => {
    await expectEqualReports(0);
    // The sums reach the middle of the third day's calls, so two days are complete.
    await summedUpTo(2);
    await keepAll();
    await expectEqualReports(2);

    // Folding goes beyond the sums. The folded days are kept later like the others.
    await retention.fold(new Date(SPAN.fromMs + 5 * DAY_MS));
    await expectEqualReports(2);
    await summedUpTo(6);
    expect(await cache.storeNextDay()).toBe(true);
    await expectEqualReports(3);
    await keepAll();
    await expectEqualReports(5);

    // Today has a correction, which no activity report shows, and new calls.
    await source.query(
      `INSERT INTO ledger_entries (id, chain_id, state, mark, bound_nano_usd, input_bound_nano_usd, cost_nano_usd, request_id, call_type, model,
         deployment_id, provider, opened_at, closed_at)
       VALUES ('a', 'c-1', 'settled', 'adjustment', 0, 0, -5, 'a', 'adjustment', '', '', '', ${TODAY}, ${TODAY})`,
    );
    await write(callsOf(DAYS - 1));
    await expectEqualReports(5);
    await summedUpTo(DAYS - 1);
    await keepAll();
    await expectEqualReports(7);
    await retention.fold(NOW);
    await expectEqualReports(7);

    // Kept days can be computed again.
    await source.query('DELETE FROM kept_days');
    await expectEqualReports(0);
    await keepAll();
    await expectEqualReports(7);
  });
});
