// Fills a ledger with a million calls, sums it up and reads every report. Writes times and query plans to
// bench/results/reports.md.
// node bench/reports.mjs [rows]    (after npm run build; PostgreSQL at TEST_DATABASE_URL, left out if there is none)
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Test } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { CLOCK } from '../dist/src/platform/clock.js';
import { ConfigModule } from '../dist/src/config/config.module.js';
import { readConfig } from '../dist/src/config/read-config.js';
import { Database } from '../dist/src/database/database.js';
import { DatabaseModule } from '../dist/src/database/database.module.js';
import { entities } from '../dist/src/entities.js';
import { PlatformModule } from '../dist/src/platform/platform.module.js';
import { ActivitySums } from '../dist/src/reporting/activity-sums.js';
import { DailyActivity } from '../dist/src/reporting/daily-activity.js';
import { DailyReportCache } from '../dist/src/reporting/daily-report-cache.js';
import { ReportingModule } from '../dist/src/reporting/reporting.module.js';
import { SpendLogs } from '../dist/src/reporting/spend-logs.js';
import { SpendReports } from '../dist/src/reporting/spend-reports.js';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const DAYS = 90;
const REPORTED = 30;
const DAY_MS = 86_400_000;
const KEYS = 1_000;
const CHAINS = 2_000;
const SERVER = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const now = Date.now();
const first = Math.floor(now / DAY_MS) * DAY_MS - (DAYS - 1) * DAY_MS;
const last = first + (DAYS - REPORTED) * DAY_MS;
const day = (at) => new Date(at).toISOString().slice(0, 10);

/**
 * Chains: each of 1,000 keys (200 users, 50 teams, 5 organizations) calls 3 of 20 models for 2 of 500 end users. A third of the
 * calls has a tag.
 */
const CHAIN = `INSERT INTO chains (id, key_hash, key_alias, user_id, team_id, organization_id, end_user_id)
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${CHAINS - 1})
  SELECT 'chain-' || i, 'hash-' || (i % ${KEYS}), 'key ' || (i % ${KEYS}), 'user-' || (i % 200), 'team-' || (i % 50), 'org-' || (i % 5), 'customer-' || (i % 500) FROM n`;
const entries = (
  from,
  to,
) => `INSERT INTO ledger_entries (id, chain_id, state, bound_nano_usd, input_bound_nano_usd, cost_nano_usd, request_id,
    request_tags, call_type, model, deployment_id, provider, usage, opened_at, closed_at)
  WITH RECURSIVE n(i) AS (SELECT CAST(${from} AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < ${to - 1}),
    c(i, chain) AS (SELECT i, i * 7919 % ${CHAINS} FROM n)
  SELECT '${'0'.repeat(8)}-' || (10000000 + i), 'chain-' || chain, CASE WHEN i % 50 = 0 THEN 'released' ELSE 'settled' END, 2000000, 0,
    CASE WHEN i % 50 = 0 THEN 0 ELSE 1000000 + i % 1000 END, 'request-' || i, CASE WHEN i % 3 = 0 THEN '["tag-' || ((i / 3) % 50) || '"]' END,
    'chat_completion', 'model-' || ((chain % ${KEYS} * 3 + i % 3) % 20), 'd', 'openai', '{"inputTokens":100,"outputTokens":50}',
    ${first} + CAST(i * ${(now - first) / ROWS} AS bigint), ${first} + CAST(i * ${(now - first) / ROWS} AS bigint) + 900 FROM c`;

const admin = { id: 'a', role: 'proxy_admin', userId: null, teams: new Map(), organizations: new Map() };
const member = { ...admin, role: 'internal_user', userId: 'user-7' };

const refused = () => undefined;
/** With fewer rows the report is not refused. */
const unexpected = () => ROWS < 1_000_000 || Promise.reject(new Error('This report was to be refused.'));

function reportsOf(application) {
  const [daily, logs, reports] = [DailyActivity, SpendLogs, SpendReports].map((type) => application.get(type));
  const dates = { start_date: day(last), end_date: day(now) };
  const days = { fromMs: last, toMs: last + REPORTED * DAY_MS };
  const all = { days, caller: admin };
  const [one] = [{ start_date: day(last + 9 * DAY_MS), end_date: day(last + 9 * DAY_MS) }];
  return {
    '/user/daily/activity, 30 days': () => daily.page(all, 'user', {}),
    '/user/daily/activity, 30 days, asked by a user': () => daily.page({ days, caller: member, user_id: 'user-7' }, 'user', {}),
    '/team/daily/activity, 30 days, one team': () => daily.page({ ...all, of: { kind: 'team', only: ['team-3'] } }, 'team', {}),
    '/user/daily/activity, 30 days, one model': () => daily.page({ ...all, model: 'model-3' }, 'user', {}),
    '/team/daily/activity, 30 days': () => daily.page({ ...all, of: { kind: 'team' } }, 'team', {}),
    '/team/daily/activity, 10 days, without one team': () => daily.page({ ...all, of: { kind: 'team', except: ['team-3'] } }, 'team', { page_size: 10 }),
    '/organization/daily/activity, 30 days': () => daily.page({ ...all, of: { kind: 'organization' } }, 'organization', {}),
    '/organization/daily/activity, 30 days, one organization': () => daily.page({ ...all, of: { kind: 'organization', only: ['org-3'] } }, 'organization', {}),
    '/customer/daily/activity, 30 days': () => daily.page({ ...all, of: { kind: 'endUser' } }, 'endUser', {}),
    '/tag/daily/activity, 30 days, one tag': () => daily.page({ ...all, tags: { only: ['tag-3'] } }, 'tag', {}),
    '/tag/daily/activity, 30 days': () => daily.page({ ...all, tags: {} }, 'tag', {}),
    '/spend/logs, newest 1,000': () => logs.list({}, admin),
    '/spend/logs, one user': () => logs.list({ user_id: 'user-7' }, admin),
    '/spend/logs, asked by a user': () => logs.list({}, member),
    '/spend/logs, one request': () => logs.list({ request_id: 'request-500000' }, admin),
    '/spend/logs, one key, one day, summarize=false': () => logs.list({ ...one, api_key: 'x' }, admin),
    '/spend/logs, one day, summarize=false': () => logs.list(one, admin),
    '/spend/logs, 30 days in sums': () => daily.summary(all),
    '/spend/logs/v2, one day': () => logs.page(one, admin),
    '/spend/logs/v2, 30 days, one team': () => logs.page({ ...dates, team_id: 'team-3' }, admin),
    '/spend/logs/v2, 30 days, one key': () => logs.page({ ...dates, api_key: 'x' }, admin),
    '/spend/logs/v2, 30 days, one name of keys': () => logs.page({ ...dates, key_alias: 'key 3' }, admin),
    '/spend/logs/v2, 30 days, one model': () => logs.page({ ...dates, model: 'model-3' }, admin),
    '/spend/logs/v2, 30 days, failures': () => logs.page({ ...dates, status_filter: 'failure' }, admin),
    '/spend/logs/v2, 30 days, dearer than any': () => logs.page({ ...dates, min_spend: 1 }, admin),
    '/spend/logs/v2, 30 days, page 100': () => logs.page({ ...dates, page: 100 }, admin),
    '/spend/tags': () => reports.byTag(dates, admin),
    '/global/spend/keys': () => reports.byKey(100, admin),
    '/global/spend/models': () => reports.byModel(100, admin),
    '/global/spend/teams': () => reports.byTeam(admin),
    '/global/spend/end_users': () => reports.byEndUser({}, admin),
    '/global/spend/report, one day': () => reports.byParty(one, admin),
    '/global/spend/report, 3 days': () => reports.byParty({ start_date: day(last), end_date: day(last + 2 * DAY_MS) }, admin),
    '/global/spend/report, 30 days: too many rows': () => reports.byParty(dates, admin).then(unexpected, refused),
    '/global/spend/report, 30 days, by key': () => reports.byKeyAndModel({ ...dates, group_by: 'api_key' }, admin),
    '/global/activity': () => reports.activityByDay(dates, admin),
  };
} // prettier-ignore

/** Builds the reports as the gateway has them. Its background jobs do not start, because the application is not initialized. */
const applicationOn = (env) =>
  Test.createTestingModule({
    imports: [
      ConfigModule.with(readConfig({ TOLLGATE_MASTER_KEY: 'sk-master-of-the-reports', ...env })),
      DatabaseModule.connect(entities, { isCommand: true }),
      PlatformModule,
      ReportingModule,
    ],
  })
    .overrideProvider(CLOCK)
    .useValue(() => new Date(now))
    .compile();

async function measured(name, env) {
  const application = await applicationOn(env);
  const [source, database] = [application.get(DataSource), application.get(Database)];
  const queries = [];
  let listening = false;
  source.logger = Object.fromEntries(
    ['logQueryError', 'logQuerySlow', 'logSchemaBuild', 'logMigration', 'log'].map((method) => [method, () => {}]),
  );
  source.logger.logQuery = (sql, parameters) => listening && queries.push({ sql, parameters });
  const run = (sql) => source.query(sql);
  await run(CHAIN);
  for (let from = 0; from < ROWS; from += 50_000) await run(entries(from, Math.min(from + 50_000, ROWS)));
  if (database.isPostgres) await run('ANALYZE');
  const lines = [`## ${name}`, ''];

  const before = performance.now();
  await application.get(DailyActivity).page({ days: { fromMs: last, toMs: last + REPORTED * DAY_MS }, caller: admin }, 'user', {});
  lines.push(`\`/user/daily/activity\`, 30 days, from the entries alone, nothing summed up: ${ms(before)} ms.`, '');

  const sums = application.get(ActivitySums);
  const since = performance.now();
  let longest = 0;
  const timed = { isPostgres: database.isPostgres, write: async (work, priority) => {
    const at = performance.now();
    const done = await database.write(work, priority);
    longest = Math.max(longest, performance.now() - at);
    return done;
  } };
  Object.defineProperty(sums, 'database', { value: timed });
  await sums.sumUp(new Date(now - 60_000));
  const [{ n }] = await run('SELECT CAST(count(*) AS integer) AS n FROM activity_days');
  lines.push(`Summed up in the background in ${Math.round((performance.now() - since) / 1_000)} s, no transaction longer than ${Math.round(longest)} ms: ${n} rows.`, '');
  const keeping = performance.now();
  const dailyReports = application.get(DailyReportCache);
  while (await dailyReports.storeNextDay());
  const [{ days, bytes }] = await run(`SELECT CAST(count(DISTINCT day) AS integer) AS days, CAST(sum(length(breakdown)) AS integer) AS bytes FROM kept_days`);
  lines.push(`Kept of everybody in ${Math.round((performance.now() - keeping) / 1_000)} s: ${days} days, ${Math.round(Number(bytes) / 1e6)} MB.`, '');
  if (database.isPostgres) await run('ANALYZE');

  lines.push('| report | ms | CPU of the gateway, ms | longest statement, ms |', '| --- | --- | --- | --- |');
  const plans = [];
  for (const [title, report] of Object.entries(reportsOf(application))) {
    await report();
    queries.length = 0;
    listening = true;
    const [at, used] = [performance.now(), process.cpuUsage()];
    await report();
    const took = ms(at);
    const { user, system } = process.cpuUsage(used);
    listening = false;
    let slowest = 0;
    for (const { sql, parameters } of queries) {
      const start = performance.now();
      await source.query(sql, parameters);
      slowest = Math.max(slowest, performance.now() - start);
    }
    lines.push(`| \`${title.replace(',', '`,')}${title.includes(',') ? '' : '`'} | ${took} | ${Math.round((user + system) / 1_000)} | ${Math.round(slowest)} |`);
    const shapes = new Map();
    for (const { sql, parameters } of queries) {
      const rows = await source.query(`EXPLAIN ${database.isPostgres ? '(ANALYZE, COSTS OFF, TIMING OFF)' : 'QUERY PLAN'} ${sql}`, parameters);
      const steps = rows.map((row) => row.detail ?? row['QUERY PLAN']).filter((step) => /SCAN|SEARCH|Scan on|Scan using|Index Cond|Execution/.test(step));
      const plan = steps.map((step) => step.replace(/'\d+'::bigint/g, '…').trim()).join('\n');
      const shape = plan.replace(/\d+/g, '');
      if (!shapes.has(shape)) shapes.set(shape, plan);
    }
    plans.push(`${title}\n${[...shapes.values()].map((plan) => plan.replace(/^/gm, '  ')).join('\n  --\n')}`);
  }
  lines.push('', '```', plans.join('\n\n'), '```', '');
  await application.close();
  return lines.join('\n');
} // prettier-ignore

const ms = (since) => Math.round(performance.now() - since);

const sections = [
  '# Reports on a million ledger rows',
  '',
  `\`node bench/reports.mjs\`: ${ROWS.toLocaleString('en')} entries of ${DAYS} days, ${KEYS.toLocaleString('en')} keys with 3 models and 2 end users each,`,
  `every third call with a tag. ${cpus().length} cores (${cpus()[0].model}), Node ${process.version}. Each report was read once before it was timed.`,
  'A plan names how each table is read (PostgreSQL: `EXPLAIN (ANALYZE)`); different plans of one report are set apart by `--`.',
  '',
];
const folder = mkdtempSync(join(tmpdir(), 'tollgate-reports-'));
try {
  sections.push(await measured('SQLite', { TOLLGATE_DATA: folder }));
} finally {
  rmSync(folder, { recursive: true });
}
const name = `tollgate_bench_${process.pid}`;
const server = new pg.Client({ connectionString: SERVER });
if (await server.connect().then(() => true, () => false)) {
  await server.query(`CREATE DATABASE ${name}`);
  try {
    const url = new URL(SERVER);
    url.pathname = `/${name}`;
    sections.push(await measured('PostgreSQL', { DATABASE_URL: url.href }));
  } finally {
    await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await server.end();
  }
} // prettier-ignore
writeFileSync(new URL('results/reports.md', import.meta.url), sections.join('\n'));
