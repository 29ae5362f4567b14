import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Gateway, type GatewayOptions } from '../harness/gateway.js';
import { postgresIsThere } from '../harness/postgres.js';
import { migratedPostgres } from '../harness/templates.js';
import { PostgresProxy } from '../harness/postgres-proxy.js';
import { redisIsThere, RedisServer } from '../harness/redis.js';
import { Upstream } from '../harness/upstream.js';

const CALLS = 20;
const serversAreThere = (await postgresIsThere()) && redisIsThere();

/** Makes a caller with every kind of party behind it, with budgets and rate limits. */
async function someone(gateway: Gateway): Promise<() => Promise<void>> {
  await gateway.create('/organization/new', {
    organization_id: 'o',
    organization_alias: 'o',
    models: ['m-out'],
    max_budget: 1_000,
  });
  await gateway.create('/team/new', {
    team_id: 't',
    organization_id: 'o',
    max_budget: 1_000,
    models: ['m-out'],
    rpm_limit: 1_000,
  });
  await gateway.create('/user/new', { user_id: 'u', auto_create_key: false });
  await gateway.create('/team/member_add', { team_id: 't', member: { role: 'user', user_id: 'u' } });
  await gateway.create('/customer/new', { user_id: 'customer', max_budget: 1_000 });
  const key = await gateway.createKey({
    user_id: 'u',
    team_id: 't',
    max_budget: 1_000,
    budget_duration: '30d',
    tpm_limit: 1_000_000,
  });
  return async () => {
    const { status, text } = await gateway.chat(key, { model: 'm-out', user: 'customer', max_tokens: 5 });
    expect([status, text]).toEqual([200, expect.any(String)]);
  };
}

/** Returns what `told` reports while this many calls run in turn. Their caller has called before. */
async function duringCalls(
  options: GatewayOptions,
  forget: () => void,
  report: () => readonly string[],
): Promise<readonly string[]> {
  const upstream = await Upstream.start();
  const gateway = await Gateway.start({ ...options, upstream });
  try {
    const call = await someone(gateway);
    await call();
    await call();
    forget();
    for (let i = 0; i < CALLS; i++) await call();
    return report();
  } finally {
    await gateway.close();
    await upstream.close();
  }
}

describe('a call whose caller called before', () => {
  it('reads nothing from SQLite, and writes only its entry and the balances', async () => {
    const file = join(tmpdir(), `tollgate-statements-${process.pid}`);
    writeFileSync(file, '');
    const preloaded = `--import=${resolve(import.meta.dirname, '../harness/sqlite-statements.mjs')}`;
    const ran = await duringCalls(
      { env: { NODE_OPTIONS: preloaded, STATEMENTS: file } },
      () => truncateSync(file),
      () => readFileSync(file, 'utf8').trim().split('\n'),
    );
    rmSync(file);
    const kinds: Record<string, number> = {};
    for (const sql of ran) {
      const kind = sql.split(' ').slice(0, 3).join(' ');
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    expect(kinds).toEqual({
      'BEGIN IMMEDIATE': 2 * CALLS,
      'INSERT INTO ledger_entries': CALLS,
      'UPDATE ledger_entries SET': CALLS,
      'UPDATE accounts SET': expect.any(Number),
      COMMIT: 2 * CALLS,
    });
  });

  it.skipIf(!serversAreThere)(
    'asks PostgreSQL once to hold and once to settle, and Redis twice',
    async () => {
      const [{ url, drop }, redis] = await Promise.all([migratedPostgres(), RedisServer.start()]);
      const postgres = await PostgresProxy.before(url);
      const monitor = await monitorOf(redis.url);
      const toRedis = () => monitor.lines.filter((line) => !isOfScript(line) && !isBackground(line));
      try {
        const ran = await duringCalls(
          { env: { DATABASE_URL: postgres.url, REDIS_URL: redis.url } },
          () => {
            monitor.lines.length = 0;
            postgres.statements.length = 0;
          },
          () => {
            expect(toRedis().length).toBeLessThanOrEqual(2 * CALLS);
            expect(toRedis().length).toBeGreaterThanOrEqual(CALLS);
            return postgres.statements.filter((sql) => !isBackground(sql));
          },
        );
        expect(
          ran.every((sql) => /^SELECT tollgate_(hold|settle)\(/.test(sql)),
          ran.join('\n'),
        ).toBe(true);
        expect(ran.filter((sql) => sql.includes('tollgate_hold')).length).toBe(CALLS);
        expect(ran.filter((sql) => sql.includes('tollgate_settle')).length).toBe(CALLS);
      } finally {
        monitor.close();
        postgres.close();
        await redis.close();
        await drop();
      }
    },
  );
});

/** Returns every command that Redis runs, as its monitor reports them. */
async function monitorOf(url: string): Promise<{ lines: string[]; close: () => void }> {
  const lines: string[] = [];
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await new Promise<void>((ready) => {
    socket.on('data', (bytes) => {
      lines.push(...bytes.toString().split('\r\n').filter(Boolean));
      ready();
    });
    socket.write('MONITOR\r\n');
  });
  return { lines, close: () => socket.destroy() };
}

const isOfScript = (line: string) => / lua\]/.test(line);

/**
 * Tells whether a statement is a periodic one of the process or its pools, not of a call. A new connection asks for its
 * `pg_backend_pid`.
 */
const isBackground = (statement: string) =>
  /"PING"|\b(?:replicas|revisions|processes|tollgate_fold|tollgate_abandon|pg_backend_pid)\b/.test(statement);
