import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { Gateway } from './gateway.js';
import { freshPostgres, postgresIsThere } from './postgres.js';
import { Upstream } from './upstream.js';

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
    await gateway.made('/team/new', { team_id: 't', max_budget: 1 });
    const key = await gateway.givenKey({ team_id: 't' });
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

    expect(await gateway.terminate()).toBe(0);
    await gateway.restart();
    expect(await spend()).toBe(1);
    expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(429);
    await gateway.made('/key/block', { key });
    expect((await gateway.chat(key, { model: 'm-free' })).status).toBe(401);
  });

  it('verify-ledger finds a balance that is off by one nano-dollar, spent or held', async () => {
    const { url, gateway } = await started();
    const key = await gateway.givenKey({ max_budget: 1 });
    expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(200);
    expect(await gateway.terminate()).toBe(0);
    expect(gateway.verifyLedger().code).toBe(0);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    for (const [column, told] of [
      ['spent', 'spent 1000001'],
      ['held', 'held 1'],
    ]) {
      await client.query(
        `UPDATE accounts SET ${column}_nano_usd = ${column}_nano_usd + 1 WHERE scope_kind = 'key'`,
      );
      const { code, printed } = gateway.verifyLedger();
      expect([code, printed.includes(`the balance says ${told},`)]).toEqual([1, true]);
      await client.query(
        `UPDATE accounts SET ${column}_nano_usd = ${column}_nano_usd - 1 WHERE scope_kind = 'key'`,
      );
    }
    await client.end();
  });

  it('without Redis, a second process on the same database is refused', async () => {
    const { url } = await started();
    await expect(Gateway.start({ env: { DATABASE_URL: url } })).rejects.toThrow(
      'in use by another Tollgate process',
    );
  });
});
