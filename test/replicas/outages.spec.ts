import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../harness/gateway.js';
import { postgresCanBeStarted, PostgresServer } from '../harness/postgres-server.js';
import { redisIsThere } from '../harness/redis.js';
import { Replicas } from '../harness/replicas.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const possible = postgresCanBeStarted() && redisIsThere();

describe.skipIf(!possible)('what the gate depends on', () => {
  let upstream: Upstream;
  let postgres: PostgresServer;
  let replicas: Replicas;
  let key: string;
  let limited: string;
  beforeEach(async () => {
    upstream = await Upstream.start();
    cleanups.push(() => upstream.close());
    postgres = await PostgresServer.start();
    cleanups.push(() => postgres.close());
    replicas = await Replicas.start(
      2,
      { upstream, config: { general_settings: { budget_wait_ms: 0, replica_timeout_ms: 60_000 } } },
      postgres,
    );
    cleanups.push(() => replicas.close());
    key = await replicas.first.createKey({ max_budget: 1 });
    limited = await replicas.first.createKey({ rpm_limit: 1_000 });
    expect(await statuses([key, limited])).toEqual([200, 200]);
  });

  const call = (which: string) => replicas.chat(which, { model: 'm-out', max_tokens: 1 });
  const statuses = async (keys: readonly string[]) =>
    (await Promise.all(keys.map(call))).map(({ status }) => status);
  const isTold = ({ status, headers, body }: Answer) => {
    expect([status, body.error.type, headers['retry-after']]).toEqual([503, 'service_unavailable', '5']);
  };

  it('Redis stops: calls with rate limits are told 503, others pass; it comes back: all pass', async () => {
    await replicas.redis.stop();
    for (let i = 0; i < 4; i++) isTold(await call(limited));
    expect(await statuses([key, key])).toEqual([200, 200]);
    expect((await replicas.first.send('GET', '/health/readiness')).status).toBe(503);
    await replicas.redis.startAgain();
    await eventually(async () => expect(await statuses([limited, limited])).toEqual([200, 200]));
    await eventually(async () =>
      expect((await replicas.first.send('GET', '/health/readiness')).status).toBe(200),
    );
    await replicas.expectTrueBooks();
  });

  it('Redis hangs: nobody waits for it for long, and nobody passes', async () => {
    replicas.redis.freeze();
    const before = Date.now();
    for (const answer of await Promise.all([call(limited), call(limited)])) isTold(answer);
    expect(Date.now() - before).toBeLessThan(60_000);
    expect(await statuses([key, key])).toEqual([200, 200]);
    replicas.redis.thaw();
    await eventually(async () => expect(await statuses([limited, limited])).toEqual([200, 200]));
  });

  it('Redis loses everything: what is running keeps its place, and rows are read again', async () => {
    const parallel = await replicas.first.createKey({ max_parallel_requests: 1 });
    const seen = upstream.calls.length;
    upstream.hold();
    const running = call(parallel);
    await upstream.arrived(seen + 1);
    replicas.redis.command('FLUSHALL');
    const question = {
      subject: { type: 'key', id: parallel },
      action: { name: 'call' },
      resource: { type: 'model', id: 'm-out' },
    };
    await eventually(async () => {
      const { body } = await replicas.next.admin('POST', '/access/v1/evaluation', question);
      expect(body).toMatchObject({ decision: false, context: { code: 'rate_limit_exceeded' } });
    });
    expect((await call(parallel)).status).toBe(429);
    upstream.release();
    expect((await running).status).toBe(200);
    expect(await statuses([key, limited])).toEqual([200, 200]);
  });

  it('PostgreSQL dies in the middle: 503, then everything goes on, and the money adds up', async () => {
    const seen = upstream.calls.length;
    upstream.hold();
    const underWay = [call(key), call(key), call(limited)];
    await upstream.arrived(seen + 3);
    await postgres.kill();
    for (let i = 0; i < 3; i++) isTold(await call(key));
    upstream.release();
    await postgres.startAgain();
    for (const { status } of await Promise.all(underWay)) expect([200, 503]).toContain(status);
    await eventually(async () => expect(await statuses([key, limited])).toEqual([200, 200]));
    const books = await replicas.expectTrueBooks();
    expect(books.entries.filter(({ state }) => state === 'settled')).toHaveLength(upstream.calls.length);
  });

  it('PostgreSQL hangs: 503 in bounded time and no call upstream, then it goes on', async () => {
    const seen = upstream.calls.length;
    postgres.freeze();
    const answers = await Promise.all([call(key), call(key)]);
    postgres.thaw();
    for (const answer of answers) isTold(answer);
    expect(upstream.calls.length).toBe(seen);
    await eventually(async () => expect(await statuses([key, limited])).toEqual([200, 200]));
    await replicas.expectTrueBooks();
  });

  it('PostgreSQL has no connection left for anybody else: those the gate has are enough', async () => {
    const hogs: pg.Client[] = [];
    const joined = async () => {
      const hog = new pg.Client({ connectionString: postgres.url });
      hog.on('error', () => {});
      await hog.connect();
      hogs.push(hog);
    };
    await expect((async () => { for (;;) await joined(); })()).rejects.toThrow('too many clients'); // prettier-ignore
    const answers = await statuses([key, limited, key, limited]);
    for (const status of answers) expect([200, 503]).toContain(status);
    await Promise.all(hogs.map((hog) => hog.end()));
    await eventually(async () => expect(await statuses([key, limited])).toEqual([200, 200]));
    await replicas.expectTrueBooks();
  });
});
