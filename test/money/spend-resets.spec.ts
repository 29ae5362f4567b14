import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectBalancedLedger } from '../harness/ledger-reader.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that ledger entries correct spending: at once, exactly, and only by admins. */

/** A call that costs $0.01. */
const CALL = { model: 'm-out', max_tokens: 10 };
const ROUNDS = 5;
const CALLS = 40;

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: { general_settings: { budget_wait_ms: 0 }, litellm_settings: { max_budget: 1_000 } },
  });
});
afterAll(() => closeAll(gateway, upstream));

let serial = 0;
const freshId = () => `reset-${++serial}`;
const reset = (key: string, reset_to: unknown, by = gateway.masterKey) =>
  gateway.as(by, 'POST', `/key/${key}/reset_spend`, { reset_to });
const status = async (key: string, more: object = {}) =>
  (await gateway.chat(key, { ...CALL, ...more })).status;

describe('/key/{key}/reset_spend', () => {
  it.each([
    ['for ever', { max_budget: 0.01 }],
    ['in a window', { max_budget: 0.01, budget_duration: '1d' }],
    ['in several windows', { budget_limits: [{ budget_duration: '1d', max_budget: 0.01 }, { budget_duration: '7d', max_budget: 0.01 }] }],
    ['in the window of a tier', { budget_id: 'cent' }],
  ])('gives back what was spent %s, at once', async (_, limits) => {
    if ('budget_id' in limits)
      await gateway.create('/budget/new', { budget_id: 'cent', max_budget: 0.01, budget_duration: '1d' });
    const key = await gateway.createKey(limits);
    expect([await status(key), await status(key)]).toEqual([200, 429]);
    const { body } = await reset(key, 0);
    expect(body).toMatchObject({ spend: 0, previous_spend: 0.01, key_hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(await gateway.spendOf(key)).toBe(0);
    expect([await status(key), await status(key)]).toEqual([200, 429]);
    expectBalancedLedger(await gateway.books());
  }); // prettier-ignore

  it('is exact, and never goes below zero', async () => {
    const key = await gateway.createKey({ budget_duration: '30d', spend: 1.000000001 });
    await gateway.create('/key/update', { key, budget_limits: [{ budget_duration: '1d', max_budget: 5 }] });
    await status(key);
    expect(await gateway.spendOf(key)).toBe(1.010000001);
    expect((await reset(key, 0.123456789)).status).toBe(200);
    expect(await gateway.spendOf(key)).toBe(0.123456789);
    const books = await gateway.books();
    expectBalancedLedger(books);
    for (const [id, spent] of books.spent) expect({ id, ok: spent >= 0n }).toEqual({ id, ok: true });
  });

  it('leaves alone what calls under way hold', async () => {
    const key = await gateway.createKey({ max_budget: 0.02 });
    expect(await status(key)).toBe(200);
    const seen = upstream.calls.length;
    upstream.hold();
    const running = gateway.chat(key, CALL);
    await upstream.arrived(seen + 1);
    expect((await reset(key, 0)).status).toBe(200);
    const second = gateway.chat(key, CALL);
    await upstream.arrived(seen + 2);
    const third = await gateway.chat(key, CALL);
    expect(third.body.error.details).toMatchObject({ spent: 0, held: 0.02, retryable: true });
    upstream.release();
    expect([(await running).status, (await second).status]).toEqual([200, 200]);
    expect(await gateway.spendOf(key)).toBe(0.02);
    expect(await status(key)).toBe(429);
    expectBalancedLedger(await gateway.books());
  });

  it(`keeps the books true while calls settle (${ROUNDS} × ${CALLS})`, async () => {
    const team_id = freshId();
    await gateway.create('/team/new', { team_id, max_budget: 100, budget_duration: '1d' });
    const key = await gateway.createKey({ team_id, max_budget: 100, budget_duration: '30d' });
    const adjustments = async () => (await gateway.books()).entries.filter(({ mark }) => mark === 'adjustment').length; // prettier-ignore
    const before = await adjustments();
    const calls = (count: number) => Array.from({ length: count }, () => status(key));
    for (let round = 1; round <= ROUNDS; round++) {
      const settled = calls(CALLS / 2);
      expect(await Promise.all(settled)).toEqual(Array(CALLS / 2).fill(200));
      const seen = upstream.calls.length;
      upstream.hold();
      const underWay = calls(CALLS / 2);
      await upstream.arrived(seen + CALLS / 2);
      upstream.release();
      const [{ status: answered }] = await Promise.all([
        reset(key, 0),
        gateway.create('/team/update', { team_id, spend: 0.5 }),
      ]);
      expect(answered).toBe(200);
      expect(await Promise.all(underWay)).toEqual(Array(CALLS / 2).fill(200));
    }
    expectBalancedLedger(await gateway.books());
    expect((await adjustments()) - before).toBeGreaterThanOrEqual(2 * ROUNDS);
    const { code, printed } = gateway.verifyLedger();
    expect({ code, printed }).toMatchObject({ code: 0 });
    expect((await reset(key, 0)).status).toBe(200);
    expect(await gateway.spendOf(key)).toBe(0);
  });

  it.each(['-1', '1e400', '"5"', 'null', '0.0000000001', '[]', 'NaN'])('refuses %s', async (text) => {
    const key = await gateway.createKey({ spend: 1 });
    const answer = await gateway.admin('POST', `/key/${key}/reset_spend`, `{"reset_to": ${text}}`);
    expect([400, 422]).toContain(answer.status);
    expect(await gateway.spendOf(key)).toBe(1);
  });

  it('refuses more than was spent, more than may be, and a key that is not there', async () => {
    const key = await gateway.createKey({ spend: 5, max_budget: 2 });
    for (const amount of [5.1, 2.1]) {
      const { status: answered, body } = await reset(key, amount);
      expect([answered, body.error.param]).toEqual([400, 'reset_to']);
    }
    expect((await gateway.admin('POST', `/key/${key}/reset_spend`, {})).status).toBe(422);
    expect((await reset('sk-nobodynobodynobody1234', 0)).status).toBe(404);
    expect(await gateway.spendOf(key)).toBe(5);
  });

  it('is for admins: of the proxy, or of the key’s team', async () => {
    const id = freshId();
    const people = [`${id}-admin`, `${id}-member`];
    for (const user_id of people) await gateway.create('/user/new', { user_id, auto_create_key: false });
    await gateway.create('/team/new', {
      team_id: id,
      members_with_roles: [
        { role: 'admin', user_id: people[0] },
        { role: 'user', user_id: people[1] },
      ],
      team_member_permissions: ['/key/info', '/key/update', '/key/{key_id}/reset_spend'],
    });
    const [admin, member] = [await gateway.createKey({ user_id: people[0] }), await gateway.createKey({ user_id: people[1], spend: 1 })];
    const ofTeam = await gateway.createKey({ team_id: id, user_id: people[1], spend: 1 });
    expect((await reset(member, 0, member)).status).toBe(403);
    expect((await reset(ofTeam, 0, member)).status).toBe(403);
    expect((await reset(member, 0, admin)).status).toBe(403);
    for (const spend of [0, 0.5, 2]) {
      for (const key of [member, ofTeam])
        expect((await gateway.as(member, 'POST', '/key/update', { key, spend })).body.error).toMatchObject({ code: '403', param: 'spend' });
      expect((await gateway.as(admin, 'POST', '/team/update', { team_id: id, spend })).body.error).toMatchObject({ code: '403', param: 'spend' });
      expect((await gateway.as(member, 'POST', '/user/update', { user_id: people[1], spend })).body.error).toMatchObject({ code: '403', param: 'spend' });
    }
    expect((await gateway.as(admin, 'POST', '/global/spend/reset')).status).toBe(403);
    expect([await gateway.spendOf(member), await gateway.spendOf(ofTeam)]).toEqual([1, 1]);
    expect((await reset(ofTeam, 0, admin)).status).toBe(200);
    expect(await gateway.spendOf(ofTeam)).toBe(0);
  }); // prettier-ignore
});

describe('`spend` in a body', () => {
  const limited = { max_budget: 0.01 };
  it.each<[string, (id: string) => Promise<{ key: string; user?: string; set: (spend: number) => Promise<unknown> }>]>([
    ['a key', async () => {
      const key = await gateway.createKey(limited);
      return { key, set: (spend) => gateway.create('/key/update', { key, spend }) };
    }],
    ['a team', async (team_id) => {
      await gateway.create('/team/new', { team_id, ...limited });
      return { key: await gateway.createKey({ team_id }), set: (spend) => gateway.create('/team/update', { team_id, spend }) };
    }],
    ['a user', async (user_id) => {
      await gateway.create('/user/new', { user_id, ...limited, auto_create_key: false });
      return { key: await gateway.createKey({ user_id }), set: (spend) => gateway.create('/user/update', { user_id, spend }) };
    }],
    ['an organization', async (id) => {
      await gateway.create('/organization/new', { organization_id: id, organization_alias: id, ...limited });
      const set = async (spend: number) =>
        expect((await gateway.admin('PATCH', '/organization/update', { organization_id: id, spend })).status).toBe(200);
      return { key: await gateway.createKey({ organization_id: id }), set };
    }],
    ['an end user', async (user) => {
      await gateway.create('/customer/new', { user_id: user, ...limited });
      return { key: await gateway.createKey(), user, set: (spend) => gateway.create('/customer/update', { user_id: user, spend }) };
    }],
  ])('is what %s has spent from then on', async (_, make) => {
    const { key, user, set } = await make(freshId());
    const call = () => status(key, user ? { user } : {});
    expect([await call(), await call()]).toEqual([200, 429]);
    await set(0);
    expect([await call(), await call()]).toEqual([200, 429]);
    await set(0.005);
    expect(await call()).toBe(429);
    expectBalancedLedger(await gateway.books());
  }); // prettier-ignore

  it('starts whatever is made with it, but refills nothing that was there before', async () => {
    const team_id = freshId();
    const team = { team_id, max_budget: 1 };
    await gateway.create('/team/new', { ...team, spend: 0.75 });
    const spent = async () => (await gateway.admin('GET', `/team/info?team_id=${team_id}`)).body.team_info.spend as number;
    expect(await spent()).toBe(0.75);
    await gateway.create('/team/delete', { team_ids: [team_id] });
    await gateway.create('/team/new', { ...team, spend: 0 });
    expect(await spent()).toBe(0.75);
  }); // prettier-ignore

  it.each(['-5', '1e400', '"five"', '0.0000000001'])('is not %s', async (text) => {
    const key = await gateway.createKey({ spend: 1 });
    const answer = await gateway.admin('POST', '/key/update', `{"key": "${key}", "spend": ${text}}`);
    expect([400, 422]).toContain(answer.status);
    expect(await gateway.spendOf(key)).toBe(1);
  });
});

it('/global/spend/reset starts keys, teams and the proxy again, and the ledger keeps every call', async () => {
  const team_id = freshId();
  await gateway.create('/team/new', { team_id, budget_duration: '1d' });
  const key = await gateway.createKey({ team_id });
  await status(key);
  const calls = async () =>
    (await gateway.books()).entries.filter(({ mark, cost }) => mark === null && cost !== 0n).length;
  const before = await calls();
  expect(before).toBeGreaterThan(0);
  expect((await gateway.admin('POST', '/global/spend/reset')).body.status).toBe('success');
  expect((await gateway.admin('GET', '/global/spend')).body.spend).toBe(0);
  expect(await gateway.spendOf(key)).toBe(0);
  expect((await gateway.admin('GET', `/team/info?team_id=${team_id}`)).body.team_info.spend).toBe(0);
  expect(await calls()).toBe(before);
  expectBalancedLedger(await gateway.books());
});
