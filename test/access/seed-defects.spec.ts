import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { admin, AdminServices } from '../harness/admin-services.js';
import { SqliteAccounts } from '../../src/ledger/sqlite/sqlite-accounts.js';
import { lifetimeAccount } from '../../src/ledger/account.js';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that the seed document's 36 defects, as far as they can occur here, do not. */

let upstream: Upstream;
let gateway: Gateway;
let enforcing: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
  enforcing = await Gateway.start({
    upstream,
    config: {
      general_settings: { enforce_user_param: true, enforced_params: ['metadata.a.b.c'] },
      litellm_settings: { model_alias_map: { everyone: 'm-free' } },
    },
  });
});
afterAll(() => closeAll(gateway, enforcing, upstream));

let serial = 0;

/** Makes a party of this level behind a key. Ten cents have used up its limit. */
async function exhausted(level: 'user' | 'team' | 'end_user' | 'organization' | 'key', max_budget = 0.1) {
  const id = `d${++serial}`;
  const fresh = { max_budget: null };
  await gateway.create('/user/new', { user_id: id, auto_create_key: false, ...fresh });
  await gateway.create('/organization/new', { organization_id: id, organization_alias: id });
  await gateway.create('/team/new', { team_id: id, organization_id: id });
  await gateway.create('/customer/new', { user_id: id });
  const personal = await gateway.createKey({ user_id: id });
  const ofTeam = await gateway.createKey({ user_id: id, team_id: id });
  const key = level === 'user' || level === 'key' || level === 'end_user' ? personal : ofTeam;
  const call = (body: object = {}, by = key) => gateway.chat(by, { model: 'm-out', max_tokens: 100, user: id, ...body }); // prettier-ignore
  expect((await call()).status).toBe(200);
  if (level === 'user') await gateway.create('/user/update', { user_id: id, max_budget });
  if (level === 'team') await gateway.create('/team/update', { team_id: id, max_budget });
  if (level === 'end_user') await gateway.create('/customer/update', { user_id: id, max_budget });
  if (level === 'key') await gateway.create('/key/update', { key, max_budget });
  if (level === 'organization')
    await gateway.admin('PATCH', '/organization/update', { organization_id: id, max_budget });
  return { id, key, personal, ofTeam, call };
}

const expectOverBudget = ({ status, body }: Answer, kind: string) => {
  expect({ status, type: body.error?.type }).toEqual({ status: 429, type: 'budget_exceeded' });
  expect(body.error.details).toMatchObject({ check: 'budgetsHaveRoom', scope: { kind } });
};

describe('budgets', () => {
  it('D1: a user under budget passes, a user over it does not', async () => {
    const { id, call } = await exhausted('user');
    expectOverBudget(await call({ max_tokens: 1 }), 'user');
    await gateway.create('/user/update', { user_id: id, max_budget: 0.2 });
    expect((await call()).status).toBe(200);
  });

  it('D2: a user’s budget holds for team keys as well, unless configured otherwise', async () => {
    const { call, ofTeam } = await exhausted('user');
    expectOverBudget(await call({ max_tokens: 1 }, ofTeam), 'user');
  });

  it.each(['key', 'user', 'team', 'organization', 'end_user'] as const)(
    'D3, D4: %s: spent to the last nano-dollar is used up, and told as budget_exceeded',
    async (level) => {
      const { call } = await exhausted(level);
      expectOverBudget(await call({ max_tokens: 1 }), level);
      expect((await call({ model: 'm-free' })).status).toBe(200);
    },
  );

  it.each(['key', 'user', 'team', 'organization', 'end_user'] as const)(
    'D4: %s: a budget of 0 lets nothing through that costs',
    async (level) => {
      const { call } = await exhausted(level, 0);
      expectOverBudget(await call({ max_tokens: 1 }), level);
    },
  );

  it('D10: an end user’s budget is judged once', async () => {
    const { call } = await exhausted('end_user');
    const { key, id } = await exhausted('end_user');
    expectOverBudget(await call({ max_tokens: 1 }), 'end_user');
    const { body } = await gateway.admin('POST', '/access/v1/evaluation', {
      subject: { type: 'key', id: key },
      action: { name: 'call' },
      resource: { type: 'model', id: 'm-out' },
      context: { body: { max_tokens: 1, user: id } },
    });
    const judged = (body.context.trace as { budgets?: { scope: { kind: string } }[] }[]).flatMap(
      ({ budgets = [] }) => budgets.filter(({ scope }) => scope.kind === 'end_user'),
    );
    expect(judged).toHaveLength(1);
  });

  it('D11: information is never budgeted', async () => {
    for (const level of ['key', 'user', 'team', 'organization', 'end_user'] as const) {
      const { key, id } = await exhausted(level);
      const { status } = await gateway.as(key, 'GET', '/v1/models', undefined, { 'x-litellm-end-user-id': id }); // prettier-ignore
      expect({ level, status }).toEqual({ level, status: 200 });
    }
  });

  it('D31: what is no finite amount of money is refused when it is set', async () => {
    for (const amount of ['1e999', '-1', '"NaN"', '0.0000000001', '9223372037'] as const) {
      const { status, body } = await gateway.admin('POST', '/key/generate', `{"max_budget": ${amount}}`);
      expect({ amount, status }).toEqual({ amount, status: amount === '1e999' ? expect.toBeOneOf([400, 422]) : 422 }); // prettier-ignore
      expect(body.error.message).toContain(amount === '1e999' && status === 400 ? '' : 'max_budget');
    }
  });
});

describe('who stands behind a request', () => {
  it('D8: an organization is enforced: blocked, models, budget', async () => {
    const { id, call } = await exhausted('organization');
    expectOverBudget(await call({ max_tokens: 1 }), 'organization');
    const change = (body: object) => gateway.admin('PATCH', '/organization/update', { organization_id: id, ...body }); // prettier-ignore
    await change({ max_budget: null, models: ['m-free'] });
    expect((await call({ max_tokens: 1 })).body.error.type).toBe('org_model_access_denied');
    await change({ models: [], blocked: true });
    expect((await call({ max_tokens: 1 })).status).toBe(403);
    await change({ blocked: false });
    expect((await call({ max_tokens: 1 })).status).toBe(200);
  });

  it('D12: a blocked end user is refused', async () => {
    const { id, call } = await exhausted('key', 10);
    await gateway.create('/customer/block', { user_ids: [id] });
    expect((await call()).status).toBe(403);
  });

  it('D26: every role has routes, or is told that it has none', async () => {
    const user = await gateway.create('/user/new', { user_role: 'internal_user' });
    expect((await gateway.chat(user.key, { model: 'm-free' })).status).toBe(200);
    expect((await gateway.as(user.key, 'POST', '/team/new', {})).status).toBe(403);
  });

  it('D29: a user first named by twenty requests at once is made once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => gateway.admin('POST', '/key/generate', { user_id: 'upserted' })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect((await gateway.admin('GET', '/user/info?user_id=upserted')).body.keys).toHaveLength(20);
  });

  it('D35: expired and blocked keys are refused in their own words', async () => {
    const expired = await gateway.chat(await gateway.createExpiredKey(), { model: 'm-free' });
    expect(expired.body.error).toMatchObject({ type: 'expired_key', code: '401' });
    const key = await gateway.createKey();
    await gateway.create('/key/block', { key });
    expect((await gateway.chat(key, { model: 'm-free' })).body.error).toMatchObject({ type: 'auth_error', code: '401' }); // prettier-ignore
  });
});

describe('models', () => {
  const denied = async (key: string, body: object, kind = 'key') =>
    expect((await gateway.chat(key, body)).body.error?.type).toBe(`${kind}_model_access_denied`);

  it('D17: a group that gains a model gives it to keys that are in use', async () => {
    const key = await gateway.createKey({ models: ['growing'] });
    const add = (name: string) =>
      gateway.create('/model/new', {
        model_name: name,
        litellm_params: { model: 'openai/up', api_base: upstream.url, input_cost_per_token: 0, output_cost_per_token: 0 }, // prettier-ignore
        model_info: { access_groups: ['growing'] },
      });
    await add('first-of-group');
    expect((await gateway.chat(key, { model: 'first-of-group' })).status).toBe(200);
    await denied(key, { model: 'second-of-group' });
    await add('second-of-group');
    expect((await gateway.chat(key, { model: 'second-of-group' })).status).toBe(200);
    expect((await gateway.admin('GET', `/key/info?key=${key}`)).body.info.models).toEqual(['growing']);
  });

  it('D18: a key without a list may call everything', async () => {
    for (const fields of [{}, { models: [] }, { models: null }])
      expect((await gateway.chat(await gateway.createKey(fields), { model: 'm-free' })).status).toBe(200);
  });

  it.each([
    ['*', true],
    ['m-*', true],
    ['all-proxy-models', true],
    ['other-*', false],
    ['no-default-models', false],
  ])('D19, D20: key and team read %s alike', async (entry, allowed) => {
    const { team_id } = await gateway.create('/team/new', { models: [entry] });
    const keys = {
      key: await gateway.createKey({ models: [entry] }),
      team: await gateway.createKey({ team_id }),
    };
    for (const [kind, key] of Object.entries(keys)) {
      if (allowed) expect((await gateway.chat(key, { model: 'm-free' })).status).toBe(200);
      else await denied(key, { model: 'm-free' }, kind);
    }
  });

  it('D21: the model counts wherever a request carries it', async () => {
    const key = await gateway.createKey({ models: ['m-free'] });
    const body = { messages: [] };
    for (const path of ['/engines/m-deny/chat/completions', '/openai/deployments/m-deny/chat/completions'])
      expect((await gateway.as(key, 'POST', path, body)).status).toBe(403);
    for (const model of [undefined, 'm-free'])
      expect(
        (await gateway.as(key, 'POST', '/v1/chat/completions?model=m-deny', { ...body, model })).status,
      ).toBe(400);
    expect(upstream.calls.some(({ model }) => model === 'up-m-deny')).toBe(false);
  });

  it('D22: a fallback the client names is checked against the team too', async () => {
    const { team_id } = await gateway.create('/team/new', { models: ['m-free'] });
    const key = await gateway.createKey({ team_id, models: ['m-free', 'm-deny'] });
    await denied(key, { model: 'm-free', fallbacks: ['m-deny'] }, 'team');
  });

  it('D23: an alias is whoever’s it is, and nobody else’s', async () => {
    const { team_id } = await gateway.create('/team/new', { model_aliases: { theirs: 'm-free' } });
    const [mine, ofTeam, other] = [
      await gateway.createKey({ aliases: { mine: 'm-free' } }),
      await gateway.createKey({ team_id }),
      await gateway.createKey(),
    ];
    expect((await gateway.chat(mine, { model: 'mine' })).status).toBe(200);
    expect((await gateway.chat(ofTeam, { model: 'theirs' })).status).toBe(200);
    for (const model of ['mine', 'theirs']) expect((await gateway.chat(other, { model })).status).toBe(400);
    const anyone = await enforcing.createKey();
    const whole = { model: 'everyone', user: 'u', metadata: { a: { b: { c: 1 } } } };
    expect((await enforcing.chat(anyone, whole)).status).toBe(200);
  });
});

describe('routes and parameters', () => {
  it.each([
    ['/openai/deployments/{model}/chat/completions', '/openai/deployments/m-free/chat/completions', 200],
    ['/openai/*', '/openai/deployments/m-free/chat/completions', 200],
    ['/openai', '/openai/deployments/m-free/chat/completions', 200],
    ['/open', '/openai/deployments/m-free/chat/completions', 403],
    ['/openai/deployment', '/openai/deployments/m-free/chat/completions', 403],
    ['public_routes', '/v1/chat/completions', 403],
    ['openai_routes', '/v1/chat/completions', 200],
    ['/chat', '/v1/chat/completions', 403],
  ])('D24, D25: allowed_routes [%s] and %s: %i', async (route, path, status) => {
    const key = await gateway.createKey({ allowed_routes: [route] });
    expect((await gateway.as(key, 'POST', path, path.includes('deployments') ? { messages: [] } : { model: 'm-free', messages: [] })).status).toBe(status); // prettier-ignore
  });

  const good = { model: 'm-free', user: 'u', metadata: { a: { b: { c: 1 } } } };

  it('D27: the user must be named where a model is called, and only there', async () => {
    const key = await enforcing.createKey();
    expect((await enforcing.as(key, 'GET', '/v1/models')).status).toBe(200);
    expect((await enforcing.chat(key, good)).status).toBe(200);
    for (const user of [undefined, null, '']) {
      const paths = ['/v1/chat/completions', '/engines/m-free/chat/completions'];
      for (const path of paths) {
        const { status, body } = await enforcing.as(key, 'POST', path, { ...good, user });
        expect({ path, user, status, param: body.error.param }).toEqual({ path, user, status: 400, param: 'user' }); // prettier-ignore
      }
    }
  });

  it('D28: a required parameter is a path of any depth through objects', async () => {
    const key = await enforcing.createKey();
    for (const metadata of [
      undefined,
      null,
      'a.b.c',
      { a: 'b.c' },
      { a: { b: 'c' } },
      { a: { b: {} } },
      ['a'],
    ]) {
      const { status, body } = await enforcing.chat(key, { ...good, metadata });
      expect({ metadata, status, type: body.error?.type }).toEqual({ metadata, status: 400, type: 'bad_request_error' }); // prettier-ignore
    }
    expect((await enforcing.as(key, 'GET', '/v1/models')).status).toBe(200);
  });
});

describe('the getters', () => {
  let services: AdminServices;
  beforeAll(async () => {
    services = await AdminServices.onSqlite();
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => services.close());

  const getters = () => ({
    team: (id: string) => services.teams.get(id),
    organization: (id: string) => services.organizations.get(id),
    'end user': (id: string) => services.endUsers.get(id),
  });

  it.each(['team', 'organization', 'end user'] as const)(
    'D5, D6, D7, D9, D16: a %s is read once, and every reader gets the same frozen row',
    async (kind) => {
      const get = getters()[kind];
      if (kind === 'team') await services.teams.create({ team_id: 'x' }, admin('test'));
      if (kind === 'organization')
        await services.organizations.create({ organization_id: 'x', organization_alias: 'x' }, admin('test'));
      if (kind === 'end user') await services.endUsers.create({ user_id: 'x' }, 'test');
      const read = vi.spyOn(services.database, 'read');
      const rows = await Promise.all([get('x'), get('x'), get('x')]);
      const later = await get('x');
      expect(read).toHaveBeenCalledTimes(1);
      for (const row of rows) expect(row).toBe(later);
      expect(later).not.toBeNull();
      expect(Object.isFrozen(later)).toBe(true);
    },
  );

  it.each(['team', 'organization', 'end user'] as const)(
    'D16: that a %s is not there is remembered for a moment too',
    async (kind) => {
      const read = vi.spyOn(services.database, 'read');
      expect([await getters()[kind]('nobody'), await getters()[kind]('nobody')]).toEqual([null, null]);
      expect(read).toHaveBeenCalledTimes(1);
    },
  );

  it.each(['team', 'organization', 'end user'] as const)(
    'D13, D14: a %s that cannot be read is not said to be missing, and the cause is kept',
    async (kind) => {
      const outage = new Error('connection lost');
      vi.spyOn(services.database, 'read').mockRejectedValue(outage);
      await expect(getters()[kind](`unreadable-${kind}`)).rejects.toBe(outage);
      vi.restoreAllMocks();
      expect(await getters()[kind](`unreadable-${kind}`)).toBeNull();
    },
  );

  it('D15: nothing of one kind is ever taken for another with the same name', async () => {
    await services.teams.create({ team_id: 'same' }, admin('test'));
    await services.endUsers.create({ user_id: 'same' }, 'test');
    expect(await services.teams.get('same')).toHaveProperty('teamId');
    expect(await services.endUsers.get('same')).toHaveProperty('userId');
    expect(await services.organizations.get('same')).toBeNull();
  });

  it('D32: spend that cannot be read is an error, never zero', async () => {
    const accounts = new SqliteAccounts(services.database, () => new Date());
    const outage = new Error('connection lost');
    // Balances are read through the queue of writes.
    vi.spyOn(services.database, 'write').mockRejectedValue(outage);
    await expect(
      accounts.load([{ account: lifetimeAccount('global', 'proxy'), limitNanoUsd: null }]),
    ).rejects.toBe(outage);
  });
});
