import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { manyCalls } from '../harness/many-calls.js';
import { PgBouncer, pgbouncerIsThere } from '../harness/pgbouncer.js';
import { postgresIsThere } from '../harness/postgres.js';
import { migratedPostgres } from '../harness/templates.js';
import { redisIsThere } from '../harness/redis.js';
import { Replicas } from '../harness/replicas.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const possible = pgbouncerIsThere() && (await postgresIsThere()) && redisIsThere();

/** Ends every session of the pooler on the server. */
async function killSessions(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    return rowCount!;
  } finally {
    await client.end();
  }
}

describe.skipIf(!possible)('behind a PgBouncer that gives each transaction another session', () => {
  async function pooled(settings: Record<string, string | number> = {}) {
    const { url, drop } = await migratedPostgres();
    cleanups.push(drop);
    const bouncer = await PgBouncer.before(url, settings);
    cleanups.push(() => bouncer.close());
    const upstream = await Upstream.start();
    cleanups.push(() => upstream.close());
    return { direct: url, bouncer, upstream };
  }

  it('two replicas keep a budget and a rate limit exactly, with fewer sessions than they have connections, and while sessions are killed', async () => {
    const { direct, bouncer, upstream } = await pooled({ default_pool_size: 4 });
    upstream.delayMs = 50;
    const replicas = await Replicas.start(
      2,
      { upstream, config: { general_settings: { budget_wait_ms: 0, replica_timeout_ms: 60_000 } } },
      bouncer,
    );
    cleanups.push(() => replicas.close());
    for (const gateway of replicas.gateways)
      expect((await gateway.send('GET', '/health/readiness')).status).toBe(200);

    await replicas.first.create('/team/new', { team_id: 't', max_budget: 1 });
    const capped = await replicas.first.createKey({ team_id: 't' });
    const limited = await replicas.first.createKey({ rpm_limit: 15, max_budget: 1_000 });
    const calls = (key: string, count: number) =>
      manyCalls(count, () => replicas.chat(key, { model: 'm-out', max_tokens: 100 }));
    const statuses = async (key: string, count: number) => {
      const answers = await calls(key, count);
      return [200, 429].map((wanted) => answers.filter(({ status }) => status === wanted).length);
    };
    expect(await Promise.all([statuses(capped, 100), statuses(limited, 50)])).toEqual([
      [10, 90],
      [15, 35],
    ]);

    const busy = await replicas.first.createKey({ max_budget: 3 });
    const seen: number[] = [];
    let killed = 0;
    for (let round = 0; round < 4; round++) {
      const answered = calls(busy, 20);
      killed += await killSessions(direct);
      for (const { status } of await answered) seen.push(status);
    }
    expect(killed).toBeGreaterThan(0);
    // Clients whose connection was cut are asked to retry; no other caller notices.
    expect(seen.filter((status) => ![200, 429, 503].includes(status))).toEqual([]);
    await eventually(async () => {
      const { status } = await replicas.chat(busy, { model: 'm-free' });
      expect(status).toBe(200);
    });
    const books = await replicas.expectTrueBooks();
    const served = BigInt(seen.filter((status) => status === 200).length) * 100_000_000n;
    const account = [...books.spent].find(([, spent]) => spent === served);
    expect(account).toBeDefined();
    for (const gateway of replicas.gateways) {
      // A write of this replica may have failed last. It repeats the write each second and is ready again.
      await eventually(async () => expect((await gateway.send('GET', '/health/readiness')).status).toBe(200));
      expect(gateway.logs).not.toContain('prepared statement');
    }
    expect(replicas.first.verifyLedger()).toMatchObject({ code: 0 });
  });

  it('a process without Redis has the database to itself, beside others behind the pooler and not', async () => {
    const { direct, bouncer, upstream } = await pooled();
    const env = { TOLLGATE_MASTER_KEY: 'sk-master-of-both', TOLLGATE_SALT_KEY: 'salt' };
    const first = await Gateway.start({ upstream, env: { ...env, DATABASE_URL: bouncer.url } });
    cleanups.push(() => first.close());
    const refused = 'in use by another Tollgate process';
    await expect(Gateway.start({ env: { ...env, DATABASE_URL: bouncer.url } })).rejects.toThrow(refused);
    await expect(Gateway.start({ env: { ...env, DATABASE_URL: direct } })).rejects.toThrow(refused);
    const key = await first.createKey();
    expect((await first.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(200);

    // A process that stops frees the database at once. The next start waits for a process that died.
    expect(await first.terminate()).toBe(0);
    const second = await Gateway.start({ env: { ...env, DATABASE_URL: direct } });
    cleanups.push(() => second.close());
    await expect(first.restart()).rejects.toThrow(refused);
    await second.kill9();
    await first.restart();
    await first.kill9();
    await first.restart();
    expect((await first.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(200);
  });

  it('leaves nothing in a session that the next client would find', async () => {
    const { bouncer, upstream } = await pooled({ default_pool_size: 2 });
    const gateway = await Gateway.start({ upstream, env: { DATABASE_URL: bouncer.url } });
    cleanups.push(() => gateway.close());
    const key = await gateway.createKey({ max_budget: 1 });
    expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(200);
    expect((await gateway.admin('GET', '/key/list')).status).toBe(200);
    const stranger = new pg.Client({ connectionString: bouncer.url });
    await stranger.connect();
    cleanups.push(() => stranger.end());
    for (let i = 0; i < 20; i++) {
      const { rows } = await stranger.query(
        `SELECT current_setting('statement_timeout') AS timeout, (SELECT count(*)::int FROM pg_prepared_statements WHERE name <> '') AS prepared,
           (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks`,
      );
      expect(rows).toEqual([{ timeout: '0', prepared: 0, locks: 0 }]);
    }
  });
});
