import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';
import { withinTime } from '../harness/within-time.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(() => closeAll(gateway, upstream));

let serial = 0;
const spend = (key: string, tokens: number) => gateway.chat(key, { model: 'm-out', max_tokens: tokens });
const info = async (key: string) => (await gateway.admin('GET', `/key/info?key=${key}`)).body.info;

describe('a budget window', () => {
  it('that is added starts at nothing spent', async () => {
    const key = await gateway.createKey();
    expect((await spend(key, 50)).status).toBe(200);
    await gateway.create('/key/update', { key, max_budget: 0.05, budget_duration: '1mo' });
    expect((await info(key)).spend).toBe(0);
    expect((await spend(key, 50)).status).toBe(200);
    expect((await spend(key, 1)).status).toBe(429);
    expect((await info(key)).spend).toBe(0.05);
  });

  it('whose duration is changed knows what was spent in it', async () => {
    const key = await gateway.createKey({ max_budget: 0.1, budget_duration: '1mo' });
    expect((await spend(key, 60)).status).toBe(200);
    for (const budget_duration of ['90d', '3mo', '2w']) {
      await gateway.create('/key/update', { key, budget_duration });
      expect(await info(key)).toMatchObject({ spend: 0.06, budget_duration });
    }
    expect((await spend(key, 50)).status).toBe(429);
    expect((await spend(key, 40)).status).toBe(200);
    expect((await info(key)).spend).toBe(0.1);
  });

  it('that was taken away and given back starts anew', async () => {
    const key = await gateway.createKey({ max_budget: 0.05, budget_duration: '1mo' });
    expect((await spend(key, 50)).status).toBe(200);
    await gateway.create('/key/update', { key, budget_duration: null });
    expect((await info(key)).spend).toBe(0.05);
    await gateway.create('/key/update', { key, budget_duration: '2mo' });
    expect((await info(key)).spend).toBe(0);
  });

  it.each([
    ['the main one', { max_budget: 0.05, budget_duration: '1mo', budget_limits: [{ budget_duration: '30d', max_budget: 5 }] }],
    ['another', { max_budget: 5, budget_duration: '1mo', budget_limits: [{ budget_duration: '30d', max_budget: 0.05 }] }],
    ['the first', { budget_limits: [{ budget_duration: '1mo', max_budget: 0.05 }, { budget_duration: '30d', max_budget: 5 }] }],
  ])('that is configured twice has the smaller limit, be it %s', async (_, limits) => {
    const key = await gateway.createKey(limits);
    expect((await spend(key, 50)).status).toBe(200);
    const { status, body } = await spend(key, 1);
    expect([status, body.error.details]).toMatchObject([429, { limit: 0.05, spent: 0.05 }]);
  }); // prettier-ignore

  it('that is configured twice knows once what was spent in it', async () => {
    const key = await gateway.createKey({ max_budget: 1, budget_duration: '2mo' });
    expect((await spend(key, 50)).status).toBe(200);
    const budget_limits = [{ budget_duration: '30d', max_budget: 1 }];
    await gateway.create('/key/update', { key, budget_duration: '1mo', budget_limits });
    expect((await spend(key, 10)).status).toBe(200);
    expect((await info(key)).spend).toBe(0.06);
  });

  it('is one of several, and all must have room', async () => {
    const key = await gateway.createKey({
      max_budget: 1,
      budget_limits: [
        { budget_duration: '1mo', max_budget: 0.1 },
        { budget_duration: '90d', max_budget: 0.05 },
      ],
    });
    expect((await spend(key, 50)).status).toBe(200);
    const { status, body } = await spend(key, 1);
    expect(status).toBe(429);
    expect(body.error.details).toMatchObject({ limit: 0.05, spent: 0.05, window: { duration: '90d' } });
    const limits = (max: number) => [
      { budget_duration: '1mo', max_budget: 0.1 },
      { budget_duration: '91d', max_budget: max },
    ];
    await gateway.create('/key/update', { key, budget_limits: limits(0.05) });
    expect((await spend(key, 1)).body.error.details).toMatchObject({
      spent: 0.05,
      window: { duration: '91d' },
    });
    await gateway.create('/key/update', { key, budget_limits: limits(0.06) });
    expect((await spend(key, 10)).status).toBe(200);
  });
});

describe('a temporary increase', () => {
  it.each(['key', 'team', 'user', 'end_user', 'organization'])(
    'of the budget of a %s counts until it expires',
    async (level) => {
      const id = `increased-${level}`;
      const raise = {
        temp_budget_increase: 0.05,
        temp_budget_expiry: new Date(Date.now() + 3_600_000).toISOString(),
      };
      const party = { max_budget: 0.05, ...raise };
      if (level === 'team') await gateway.create('/team/new', { team_id: id, ...party });
      if (level === 'user')
        await gateway.create('/user/new', { user_id: id, auto_create_key: false, ...party });
      if (level === 'end_user') await gateway.create('/customer/new', { user_id: id, ...party });
      if (level === 'organization')
        await gateway.create('/organization/new', { organization_id: id, organization_alias: id, ...party });
      const key = await gateway.createKey({
        ...(level === 'key' && party),
        ...(level === 'team' && { team_id: id }),
        ...(level === 'user' && { user_id: id }),
        ...(level === 'organization' && { organization_id: id }),
      });
      const call = (max_tokens: number) =>
        gateway.chat(key, { model: 'm-out', max_tokens, ...(level === 'end_user' && { user: id }) });
      expect((await call(100)).status).toBe(200);
      expect((await call(1)).body.error.details).toMatchObject({ limit: 0.1, spent: 0.1 });
    },
  );

  it('that is over counts no more', async () => {
    const key = await gateway.createKey({
      max_budget: 0.05,
      temp_budget_increase: 1,
      temp_budget_expiry: '2020-01-01T00:00:00Z',
    });
    expect((await spend(key, 51)).status).toBe(429);
    expect(await info(key)).toMatchObject({
      temp_budget_increase: 1,
      temp_budget_expiry: '2020-01-01T00:00:00Z',
    });
  });

  it('ends by itself', async () => {
    await withinTime(2_000, async (until) => {
      const key = await gateway.createKey({
        max_budget: 0.05,
        temp_budget_increase: 1,
        temp_budget_expiry: until.toISOString(),
      });
      const isInTime = (await spend(key, 51)).status === 200;
      await eventually(async () => expect((await spend(key, 1)).status).toBe(429));
      expect(Date.now()).toBeGreaterThanOrEqual(until.getTime());
      return isInTime;
    });
  });

  it('needs its end', async () => {
    const { status, body } = await gateway.admin('POST', '/key/generate', { temp_budget_increase: 1 });
    expect([status, body.error.param]).toEqual([422, 'temp_budget_expiry']);
  });
});

describe('a budget for one model', () => {
  it.each([
    ['key', { max_budget: 0.05 }],
    ['key', { budget_limit: 0.05, time_period: '1d' }],
    ['key', 0.05],
    ['team', { max_budget: 0.05, budget_duration: '1mo' }],
    ['user', { max_budget: 0.05 }],
    ['end_user', { max_budget: 0.05 }],
  ])('of a %s (%j) limits that model, and no other', async (level, budget) => {
    const id = `model-budget-${++serial}`;
    const party = { model_max_budget: { 'm-out': budget } };
    if (level === 'team') await gateway.create('/team/new', { team_id: id, ...party });
    if (level === 'user')
      await gateway.create('/user/new', { user_id: id, auto_create_key: false, ...party });
    if (level === 'end_user') await gateway.create('/customer/new', { user_id: id, ...party });
    const key = await gateway.createKey({
      ...(level === 'key' && party),
      ...(level === 'team' && { team_id: id }),
      ...(level === 'user' && { user_id: id }),
    });
    const call = (model: string, max_tokens: number) =>
      gateway.chat(key, { model, max_tokens, ...(level === 'end_user' && { user: id }) });
    expect((await call('m-out', 50)).status).toBe(200);
    const refused = await call('m-out', 1);
    expect(refused.status).toBe(429);
    expect(refused.body.error.message).toContain('for model=m-out');
    expect(refused.body.error.details).toMatchObject({
      scope: { kind: level },
      model: 'm-out',
      limit: 0.05,
      spent: 0.05,
    });
    expect((await call('m-deny', 50)).status).toBe(200);
  });

  it('counts for a fallback that is used, and for an alias', async () => {
    const key = await gateway.createKey({ model_max_budget: { 'm-out': 0.01 }, aliases: { mine: 'm-out' } });
    upstream.behave = ({ model }) => (model === 'up-m-deny' ? { status: 500 } : {});
    const call = (body: object) => gateway.chat(key, { max_tokens: 5, ...body });
    expect((await call({ model: 'm-deny', fallbacks: ['m-out'] })).status).toBe(200);
    expect((await call({ model: 'mine' })).status).toBe(200);
    expect((await call({ model: 'm-deny', fallbacks: ['m-out'] })).status).toBe(500);
    expect((await call({ model: 'mine' })).status).toBe(429);
    upstream.behave = () => ({});
  });

  it.each([
    { m: {} },
    { m: { max_budget: -1 } },
    { m: { max_budget: 1, budget_duration: 'never' } },
    { m: null },
    [],
  ])('%j is refused', async (model_max_budget) => {
    const { status, body } = await gateway.admin('POST', '/key/generate', { model_max_budget });
    expect([status, body.error.param]).toEqual([422, 'model_max_budget']);
  });
});

it('users are made with the limits the configuration gives them, however they come into being', async () => {
  const configured = await Gateway.start({
    upstream,
    config: {
      litellm_settings: {
        max_internal_user_budget: 0.05,
        internal_user_budget_duration: '1mo',
        default_internal_user_params: { models: ['m-out'], rpm_limit: 100 },
      },
    },
  });
  await configured.create('/user/new', { user_id: 'made', auto_create_key: false });
  await configured.create('/user/new', { user_id: 'richer', max_budget: 9, auto_create_key: false });
  await configured.createKey({ user_id: 'named' });
  await configured.create('/team/new', {
    team_id: 't',
    members_with_roles: [{ role: 'user', user_id: 'member' }],
  });
  for (const user_id of ['made', 'named', 'member', 'richer'])
    expect((await configured.admin('GET', `/user/info?user_id=${user_id}`)).body.user_info).toMatchObject({
      max_budget: user_id === 'richer' ? 9 : 0.05,
      budget_duration: '1mo',
      models: ['m-out'],
      rpm_limit: 100,
      user_role: 'internal_user',
    });
  const key = await configured.createKey({ user_id: 'named' });
  expect((await configured.chat(key, { model: 'm-out', max_tokens: 50 })).status).toBe(200);
  expect((await configured.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(429);
  await configured.close();
});
