import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { freshPostgres, postgresIsThere } from '../harness/postgres.js';
import { postgresCanBeStarted, PostgresServer } from '../harness/postgres-server.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

describe.skipIf(!(await postgresIsThere()))('on PostgreSQL', () => {
  async function started() {
    const { url, drop } = await freshPostgres();
    cleanups.push(drop);
    const upstream = await Upstream.start();
    cleanups.push(() => upstream.close());
    const gateway = await Gateway.start({ upstream, env: { DATABASE_URL: url } });
    cleanups.push(() => gateway.close());
    return { url, upstream, gateway };
  }

  it('one process keeps the same promises: exact cap, spend told, revocation, restart', async () => {
    const { upstream, gateway } = await started();
    await gateway.create('/team/new', { team_id: 't', max_budget: 1 });
    const key = await gateway.createKey({ team_id: 't' });
    upstream.hold();
    const calls = Array.from({ length: 50 }, () => gateway.chat(key, { model: 'm-out', max_tokens: 100 }));
    await upstream.arrived(10);
    upstream.release();
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    expect([statuses.filter((s) => s === 200).length, statuses.filter((s) => s === 429).length]).toEqual([
      10, 40,
    ]);
    const spend = async () =>
      (await gateway.admin('GET', '/team/info?team_id=t')).body.team_info.spend as number;
    expect(await spend()).toBe(1);
    expect((await gateway.admin('GET', '/spend/logs?team_id=t')).body).toHaveLength(10);
    // The process adds up what accounts without a limit spent by itself.
    await eventually(async () => {
      const [row] = await gateway.sql(
        "SELECT spent_nano_usd AS spent FROM accounts WHERE scope_kind = 'key'",
      );
      expect(row).toEqual({ spent: '1000000000' });
    });

    expect(await gateway.terminate()).toBe(0);
    await gateway.restart();
    expect(await spend()).toBe(1);
    expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(429);
    await gateway.create('/key/block', { key });
    expect((await gateway.chat(key, { model: 'm-free' })).status).toBe(401);
  });

  it('verify-ledger finds a balance that is off by one nano-dollar, spent or held', async () => {
    const { url, gateway } = await started();
    const key = await gateway.createKey({ max_budget: 1 });
    expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(200);
    expect(await gateway.terminate()).toBe(0);
    expect(gateway.verifyLedger().code).toBe(0);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    for (const [column, figure] of [
      ['spent', 'spent 1000001'],
      ['held', 'held 1'],
    ]) {
      await client.query(
        `UPDATE accounts SET ${column}_nano_usd = ${column}_nano_usd + 1 WHERE scope_kind = 'key'`,
      );
      const { code, printed } = gateway.verifyLedger();
      expect([code, printed.includes(`the balance says ${figure},`)]).toEqual([1, true]);
      await client.query(
        `UPDATE accounts SET ${column}_nano_usd = ${column}_nano_usd - 1 WHERE scope_kind = 'key'`,
      );
    }
    await client.end();
  });

  it('ends what a client waits for after 10 s and says so; verify-ledger takes the time it needs', async () => {
    const { url, gateway } = await started();
    const key = await gateway.createKey({ max_budget: 1 });
    expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(200);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    cleanups.push(() => client.end());
    await client.query('BEGIN; LOCK TABLE ledger_entries IN ACCESS EXCLUSIVE MODE');
    const report = gateway.admin('GET', '/spend/logs');
    const watcher = new pg.Client({ connectionString: url });
    await watcher.connect();
    cleanups.push(() => watcher.end());
    const waiting =
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    await eventually(async () => expect((await watcher.query(waiting)).rowCount).toBe(1));
    const unlocked = client.query('SELECT pg_sleep(15); COMMIT');
    const { code, printed } = gateway.verifyLedger();
    expect([code, printed]).toEqual([0, expect.stringContaining('0 that differ')]);
    const { status, headers, body } = await report;
    expect([status, headers['retry-after'], body.error.message]).toEqual([
      503,
      undefined,
      expect.stringContaining('Ask for less at once'),
    ]);
    await unlocked;
    await client.query('DROP TABLE postings CASCADE');
    const failed = gateway.verifyLedger();
    expect([failed.code, failed.printed]).toEqual([2, expect.stringContaining('postings')]);
  });

  it('does not start on a database that a newer version migrated', async () => {
    const { url, drop } = await freshPostgres();
    cleanups.push(drop);
    const first = await Gateway.start({ env: { DATABASE_URL: url } });
    cleanups.push(() => first.close());
    expect(await first.terminate()).toBe(0);
    await first.sql(`INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'Future9999999999999')`);
    await expect(first.restart()).rejects.toThrow('newer version of Tollgate (Future9999999999999)');
  });

  it('without Redis, a second process on the same database is refused', async () => {
    const { url } = await started();
    await expect(Gateway.start({ env: { DATABASE_URL: url } })).rejects.toThrow(
      'in use by another Tollgate process',
    );
  });
});

describe.skipIf(!postgresCanBeStarted())('without Redis, a database that restarts', () => {
  it('is taken again; and whoever finds it taken by another moves no money, and says so', async () => {
    const postgres = await PostgresServer.start();
    cleanups.push(() => postgres.close());
    const upstream = await Upstream.start();
    cleanups.push(() => upstream.close());
    const env = {
      DATABASE_URL: postgres.url,
      TOLLGATE_MASTER_KEY: 'sk-master-of-both',
      TOLLGATE_SALT_KEY: 'salt',
    };
    const first = await Gateway.start({ upstream, env });
    cleanups.push(() => first.close());
    const key = await first.createKey({ max_budget: 1 });
    const call = (gateway: Gateway) => gateway.chat(key, { model: 'm-out', max_tokens: 1 });
    const passes = async () => expect((await call(first)).status).toBe(200);
    await passes();

    await postgres.kill();
    expect((await call(first)).status).toBe(503);
    await postgres.startAgain();
    await eventually(passes);
    await expect(Gateway.start({ env })).rejects.toThrow('in use by another Tollgate process');

    first.freeze();
    await postgres.kill();
    await postgres.startAgain();
    const second = await Gateway.start({ upstream, env });
    cleanups.push(() => second.close());
    first.thaw();
    const before = upstream.calls.length;
    await eventually(async () => {
      const { status, body } = await call(first);
      expect([status, body.error.message]).toEqual([
        503,
        expect.stringContaining('another Tollgate process'),
      ]);
    });
    expect(upstream.calls.length).toBe(before);
    const readiness = async (gateway: Gateway) => (await gateway.send('GET', '/health/readiness')).status;
    await eventually(async () =>
      expect([await readiness(first), await readiness(second)]).toEqual([503, 200]),
    );
    expect((await call(second)).status).toBe(200);
    await second.terminate();
    await eventually(passes);
    // The check runs again after the next successful write.
    await eventually(async () => expect(await readiness(first)).toBe(200));
    // A hold that met the loss of the lock may have been billed for a while. The first process corrects that.
    await eventually(async () => expect(await first.spendOf(key)).toBe(upstream.calls.length / 1_000));
  });
});
