import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectBalancedLedger } from '../harness/ledger-reader.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves the effects of an admin's correction of spending. The correction and its row are stored together or not at all. */

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream, config: { general_settings: { budget_wait_ms: 0 } } });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

let serial = 0;
const freshId = () => `correction-${++serial}`;
/** Calls at $0.001 a token. Returns the status. */
const status = async (key: string, max_tokens = 10, more: object = {}) =>
  (await gateway.chat(key, { model: 'm-out', max_tokens, ...more })).status;
const reset = (key: string, reset_to: number) => gateway.create(`/key/${key}/reset_spend`, { reset_to });

describe('a correction that cannot be written', () => {
  const isPostgres = process.env.TESTS_ON === 'postgres';
  const refuse = async () => {
    if (!isPostgres)
      return gateway.sql(`CREATE TRIGGER no_corrections BEFORE INSERT ON ledger_entries WHEN new.mark = 'adjustment'
        BEGIN SELECT RAISE(ABORT, 'not now'); END`);
    await gateway.sql(
      `CREATE OR REPLACE FUNCTION not_now() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$`,
    );
    return gateway.sql(`CREATE TRIGGER no_corrections BEFORE INSERT ON ledger_entries FOR EACH ROW
      WHEN (new.mark = 'adjustment') EXECUTE FUNCTION not_now()`);
  };
  const allow = () => gateway.sql(`DROP TRIGGER no_corrections${isPostgres ? ' ON ledger_entries' : ''}`);

  it.each<[string, string, (id: string) => [string, string, object], (id: string) => [string, string, object]]>([
    ['a key', '/key/info?key=', (key) => ['POST', '/key/generate', { key }], (key) => ['POST', '/key/update', { key }]],
    ['a team', '/team/info?team_id=', (team_id) => ['POST', '/team/new', { team_id }], (team_id) => ['POST', '/team/update', { team_id }]],
    ['a user', '/user/info?user_id=', (user_id) => ['POST', '/user/new', { user_id, auto_create_key: false }], (user_id) => ['POST', '/user/update', { user_id }]],
    ['an organization', '/organization/info?organization_id=',
      (organization_id) => ['POST', '/organization/new', { organization_id, organization_alias: organization_id }],
      (organization_id) => ['PATCH', '/organization/update', { organization_id }]],
    ['an end user', '/customer/info?end_user_id=', (user_id) => ['POST', '/customer/new', { user_id }], (user_id) => ['POST', '/customer/update', { user_id }]],
    ['a tag', '/tag/info', (name) => ['POST', '/tag/new', { name }], (name) => ['POST', '/tag/update', { name }]],
  ])('changes nothing of %s, and may be sent again', async (_, info, making, changing) => {
    const id = `sk-${freshId()}-0123456789abcdef`;
    const send = async (request: (name: string) => [string, string, object], more: object) => {
      const [method, path, body] = request(id);
      return (await gateway.admin(method, path, { ...body, ...more })).status;
    };
    const readBudget = async () => {
      const { status: code, text } = await (info === '/tag/info'
        ? gateway.admin('POST', info, { names: [id] })
        : gateway.admin('GET', info + id));
      return code === 200 ? [/"max_budget":([\d.]+)/.exec(text)?.[1], /"spend":([\d.]+)/.exec(text)?.[1]] : 'not there';
    };
    await refuse();
    expect(await send(making, { max_budget: 2, spend: 1 })).toBeGreaterThanOrEqual(500);
    expect(await readBudget()).toBe('not there');
    await allow();
    expect(await send(making, { max_budget: 2, spend: 1 })).toBe(200);
    expect(await readBudget()).toEqual(['2', '1']);
    await refuse();
    expect(await send(changing, { max_budget: 3, spend: 0.5 })).toBeGreaterThanOrEqual(500);
    expect(await readBudget()).toEqual(['2', '1']);
    await allow();
    expect(await send(changing, { max_budget: 3, spend: 0.5 })).toBe(200);
    expect(await readBudget()).toEqual(['3', '0.5']);
  }); // prettier-ignore
});

it.each<[string, (tier: string) => Promise<{ key: string; info: () => Promise<{ spend: number }>; set: (spend: number) => Promise<unknown> }>]>([
  ['a key', async (budget_id) => {
    const key = await gateway.createKey({ budget_id });
    return { key, info: async () => (await gateway.admin('GET', `/key/info?key=${key}`)).body.info, set: (spend) => gateway.create('/key/update', { key, spend }) };
  }],
  ['a team', async (team_id) => {
    await gateway.create('/team/new', { team_id, budget_id: team_id });
    const info = async () => (await gateway.admin('GET', `/team/info?team_id=${team_id}`)).body.team_info;
    return { key: await gateway.createKey({ team_id }), info, set: (spend) => gateway.create('/team/update', { team_id, spend }) };
  }],
  ['a user', async (user_id) => {
    await gateway.create('/user/new', { user_id, budget_id: user_id, auto_create_key: false });
    const info = async () => (await gateway.admin('GET', `/user/info?user_id=${user_id}`)).body.user_info;
    return { key: await gateway.createKey({ user_id }), info, set: (spend) => gateway.create('/user/update', { user_id, spend }) };
  }],
  ['a tag', async (tag) => {
    await gateway.create('/tag/new', { name: tag, budget_id: tag });
    const info = async () => (await gateway.create('/tag/info', { names: [tag] }))[tag];
    return { key: await gateway.createKey({ tags: [tag] }), info, set: (spend) => gateway.create('/tag/update', { name: tag, spend }) };
  }],
])('%s with a tier shows and sets what it spent in the window of the tier', async (_, make) => {
  const tier = freshId();
  await gateway.create('/budget/new', { budget_id: tier, max_budget: 0.02 });
  const { key, info, set } = await make(tier);
  expect(await status(key)).toBe(200);
  expect((await info()).spend).toBe(0.01);
  // A window begins with no spending.
  await gateway.create('/budget/update', { budget_id: tier, budget_duration: '1d' });
  expect((await info()).spend).toBe(0);
  expect([await status(key), await status(key), await status(key)]).toEqual([200, 200, 429]);
  expect((await info()).spend).toBe(0.02);
  await set(0.01);
  expect((await info()).spend).toBe(0.01);
  expect([await status(key), await status(key)]).toEqual([200, 429]);
  expectBalancedLedger(await gateway.books());
}); // prettier-ignore

describe('budgets for one model', () => {
  const m_out = { max_budget: 0.01 };
  it.each<[string, (id: string) => Promise<{ key: string; user?: string; set: (spend: number) => Promise<unknown> }>]>([
    ['a key', async () => {
      const key = await gateway.createKey({ model_max_budget: { 'm-out': { ...m_out, budget_duration: '1d' } } });
      return { key, set: (spend) => reset(key, spend) };
    }],
    ['a key with a window', async () => {
      const key = await gateway.createKey({ budget_duration: '1d', model_max_budget: { 'm-out': { ...m_out, budget_duration: '30d' } } });
      return { key, set: (spend) => reset(key, spend) };
    }],
    ['a team', async (team_id) => {
      await gateway.create('/team/new', { team_id, model_max_budget: { 'm-out': m_out } });
      return { key: await gateway.createKey({ team_id }), set: (spend) => gateway.create('/team/update', { team_id, spend }) };
    }],
    ['a user', async (user_id) => {
      await gateway.create('/user/new', { user_id, model_max_budget: { 'm-out': m_out }, auto_create_key: false });
      return { key: await gateway.createKey({ user_id }), set: (spend) => gateway.create('/user/update', { user_id, spend }) };
    }],
    ['an end user', async (user) => {
      await gateway.create('/budget/new', { budget_id: user, model_max_budget: { 'm-out': m_out } });
      await gateway.create('/customer/new', { user_id: user, budget_id: user });
      return { key: await gateway.createKey(), user, set: (spend) => gateway.create('/customer/update', { user_id: user, spend }) };
    }],
    ['a tag', async (tag) => {
      await gateway.create('/tag/new', { name: tag, model_max_budget: { 'm-out': m_out } });
      return { key: await gateway.createKey({ tags: [tag] }), set: (spend) => gateway.create('/tag/update', { name: tag, spend }) };
    }],
  ])('of %s have room again when nothing is left of what was spent', async (_, make) => {
    const { key, user, set } = await make(freshId());
    const call = () => status(key, 10, user ? { user } : {});
    expect([await call(), await call()]).toEqual([200, 429]);
    await set(0);
    expect([await call(), await call()]).toEqual([200, 429]);
    expectBalancedLedger(await gateway.books());
  }); // prettier-ignore

  it('keep what may be left of it, and get nothing when more was spent', async () => {
    const key = await gateway.createKey({
      model_max_budget: { 'm-out': { max_budget: 0.03 }, 'm-deny': { max_budget: 0.02 } },
    });
    expect(await status(key, 20)).toBe(200);
    expect(await status(key, 10, { model: 'm-deny' })).toBe(200);
    // The key spent $0.03 in all. The gateway does not know to which model the forgiven part belongs.
    await reset(key, 0.015);
    expect([await status(key, 16), await status(key, 15)]).toEqual([429, 200]);
    expect([await status(key, 11, { model: 'm-deny' }), await status(key, 10, { model: 'm-deny' })]).toEqual([429, 200]);
    await gateway.create('/key/update', { key, model_max_budget: { 'm-out': { max_budget: 0.04 } }, spend: 5 });
    expect([await status(key, 11), await status(key, 10)]).toEqual([429, 200]);
    expectBalancedLedger(await gateway.books());
  }); // prettier-ignore
});

it('/global/spend/reset takes budgets for one model with it', async () => {
  const key = await gateway.createKey({ model_max_budget: { 'm-out': { max_budget: 0.01 } } });
  expect([await status(key), await status(key)]).toEqual([200, 429]);
  await gateway.create('/global/spend/reset', {});
  expect([await status(key), await status(key)]).toEqual([200, 429]);
});
