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

  it('a second process on the same database is refused', async () => {
    const { url } = await started();
    await expect(Gateway.start({ env: { DATABASE_URL: url } })).rejects.toThrow(
      'in use by another Tollgate process',
    );
  });
});
