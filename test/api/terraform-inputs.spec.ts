import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves what Terraform's provider for LiteLLM and its users send as they please: durations in words, ids not escaped. */

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: {
      litellm_settings: {
        max_budget: 1_000,
        budget_duration: 'monthly',
        internal_user_budget_duration: 'weekly',
        default_team_params: { budget_duration: '30days', max_budget: 9 },
        default_key_generate_params: { duration: '2weeks' },
        upperbound_key_generate_params: { duration: '2months', budget_duration: '2months' },
      },
      general_settings: { maximum_spend_logs_retention_period: '1month' },
    },
  });
});
afterAll(() => closeAll(gateway, upstream));

type Json = Answer['body'];

const MONTH = (now: Date) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
const get = async (path: string) => {
  const { status, body, text } = await gateway.admin('GET', path);
  if (status !== 200) throw new Error(`${path} answered ${status}: ${text}`);
  return body as Json;
};

/** Places that take the duration of a budget: how to write it, and where a read has it. */
const PLACES: Record<string, readonly [write: [path: string, id: object], read: () => Promise<Json>]> = {
  key: [['/key/generate', { key: 'sk-durations' }], async () => (await get('/key/info?key=sk-durations')).info],
  team: [['/team/new', { team_id: 'd' }], async () => (await get('/team/info?team_id=d')).team_info],
  user: [['/user/new', { user_id: 'd', auto_create_key: false }], async () => (await get('/user/info?user_id=d')).user_info],
  organization: [['/organization/new', { organization_id: 'd', organization_alias: 'd' }], () => get('/organization/info?organization_id=d')],
  budget: [['/budget/new', { budget_id: 'd' }], async () => (await gateway.create('/budget/info', { budgets: ['d'] }))[0]],
  tag: [['/tag/new', { name: 'd' }], async () => (await gateway.create('/tag/info', { names: ['d'] })).d],
  customer: [['/customer/new', { user_id: 'd' }], () => get('/customer/info?end_user_id=d')],
}; // prettier-ignore

const UPDATES: Record<string, readonly [path: string, id: object, method?: string]> = {
  key: ['/key/update', { key: 'sk-durations' }],
  team: ['/team/update', { team_id: 'd' }],
  user: ['/user/update', { user_id: 'd' }],
  organization: ['/organization/update', { organization_id: 'd' }, 'PATCH'],
  budget: ['/budget/update', { budget_id: 'd' }],
  tag: ['/tag/update', { name: 'd' }],
  customer: ['/customer/update', { user_id: 'd' }],
};

describe.each(Object.keys(PLACES))('the duration of a %s’s budget', (kind) => {
  const [[path, id], read] = PLACES[kind]!;
  const [updatePath, updateId, method = 'POST'] = UPDATES[kind]!;

  it('is told as it was sent, and its window ends by the calendar', async () => {
    await gateway.create(path, { ...id, max_budget: 5, budget_duration: kind === 'key' ? '1hr' : 'monthly' });
    for (const budget_duration of ['1hr', '60min', '2weeks', 'Monthly', '1month', '30days', 'monthly']) {
      const { status, text } = await gateway.admin(method, updatePath, {
        ...updateId,
        budget_duration,
        model_max_budget: { 'm-out': { max_budget: 1, budget_duration: 'weekly' } },
      });
      expect(status, text).toBe(200);
      const row = await read();
      expect(row.budget_duration ?? row.litellm_budget_table?.budget_duration).toBe(budget_duration);
    }
    const row = await read();
    const now = new Date();
    const { budget_reset_at } = row.budget_reset_at === undefined ? row.litellm_budget_table : row;
    expect([MONTH(now), MONTH(new Date(now.getTime() - 60_000))]).toContain(Date.parse(budget_reset_at));
  });

  it('is told as it was sent in its entries for models', async () => {
    const row = await read();
    const { model_max_budget } = row.model_max_budget === undefined ? row.litellm_budget_table : row;
    expect(model_max_budget).toEqual({ 'm-out': { max_budget: 1, budget_duration: 'weekly' } });
  });

  it.each(['1y', 'yearly', '1M', '30 days', '1h30m', 'soon'])('is not %j', async (budget_duration) => {
    const { status, body } = await gateway.admin(method, updatePath, { ...updateId, budget_duration });
    expect([status, body.error.param]).toEqual([422, 'budget_duration']);
    expect(body.error.message).toContain('hourly, daily, weekly or monthly');
  });
});

describe('another spelling', () => {
  it('keeps the window and what was spent in it', async () => {
    const key = await gateway.createKey({ max_budget: 0.015, budget_duration: 'hourly', models: ['m-out'] });
    const call = async () => (await gateway.chat(key, { model: 'm-out', max_tokens: 10 })).status;
    const window = async () => (await get(`/key/info?key=${key}`)).info.budget_reset_at as string;
    const before = await window();
    expect(await call()).toBe(200);
    for (const budget_duration of ['1h', '60min', '1hour', 'hourly']) {
      await gateway.create('/key/update', { key, budget_duration });
      expect(await window()).toBe(before);
    }
    await gateway.create('/key/update', { key, max_budget: 0.0101 });
    expect(await call()).toBe(429);
    await gateway.create('/key/update', { key, budget_duration: '2h' });
    expect(await window()).not.toBe(before);
  });

  it('is taken for lives, further budgets, members and rotation', async () => {
    const key = await gateway.createKey({
      duration: 'weekly',
      rotation_interval: 'monthly',
      budget_limits: [{ budget_duration: 'daily', max_budget: 1 }],
    });
    const { info } = await get(`/key/info?key=${key}`);
    const lifeMs = Date.parse(info.expires) - Date.parse(info.created_at);
    expect(Math.abs(lifeMs - 604_800_000)).toBeLessThan(5_000);
    expect(info.rotation_interval).toBe('monthly');
    expect(info.budget_limits).toMatchObject([{ budget_duration: 'daily', max_budget: 1 }]);
    await gateway.create('/team/new', { team_id: 'lives', team_member_budget: 1, team_member_budget_duration: 'monthly', team_member_key_duration: '1hour' });
    await gateway.create('/team/member_add', { team_id: 'lives', member: { role: 'user', user_id: 'm' }, budget_duration: 'weekly', max_budget_in_team: 1 });
    const { team_memberships } = await get('/team/info?team_id=lives');
    expect(team_memberships[0].litellm_budget_table.budget_duration).toBe('weekly');
    const refused = await gateway.admin('POST', '/team/update', { team_id: 'lives', team_member_key_duration: 'forever' });
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining('team_member_key_duration')]);
  }); // prettier-ignore

  it('is taken in the configuration', async () => {
    const { team_id } = await gateway.create('/team/new', { team_alias: 'default' });
    expect((await get(`/team/info?team_id=${team_id}`)).team_info.budget_duration).toBe('30days');
    const { info } = await get(`/key/info?key=${await gateway.createKey()}`);
    const lifeMs = Date.parse(info.expires) - Date.parse(info.created_at);
    expect(Math.abs(lifeMs - 1_209_600_000)).toBeLessThan(5_000);
    const tooLong = await gateway.admin('POST', '/key/generate', { duration: '3months' });
    expect(tooLong.status).toBe(400);
  });
});

describe('an id that is not escaped', () => {
  const ID = 'a+b@example.com';

  it('of a user is the id of the user, and of nobody else', async () => {
    const { key } = await gateway.create('/user/new', { user_id: ID, user_email: ID, user_role: 'internal_user' });
    await gateway.create('/user/new', { user_id: 'a b@example.com', auto_create_key: false });
    for (const spelling of [ID, 'a%2Bb@example.com', 'a%2Bb%40example.com']) {
      expect((await get(`/user/info?user_id=${spelling}`)).user_info.user_id).toBe(ID);
      expect((await gateway.as(key, 'GET', `/user/info?user_id=${spelling}`)).body.user_info.user_id).toBe(ID);
      expect((await get(`/v2/user/info?user_id=${spelling}`)).user_id).toBe(ID);
    }
    expect((await get('/user/info?user_id=a%20b@example.com')).user_info.user_id).toBe('a b@example.com');
    const other = await gateway.as(key, 'GET', '/user/info?user_id=a%20b@example.com');
    expect([403, 404]).toContain(other.status);
    for (const filter of [`user_ids=${ID}`, `user_email=${ID}`])
      expect((await get(`/user/list?${filter}`)).users.map(({ user_id }: Json) => user_id)).toEqual([ID]);
    const keys = await get(`/key/list?user_id=${ID}&return_full_object=true`);
    expect(keys.keys.map(({ user_id }: Json) => user_id)).toEqual([ID]);
  }); // prettier-ignore

  it.each<[kind: string, write: string, body: object, read: string, idIn: (answer: Json) => unknown]>([
    ['organization', '/organization/new', { organization_id: ID, organization_alias: 'plus' }, '/organization/info?organization_id=', ({ organization_id }) => organization_id],
    ['team', '/team/new', { team_id: ID }, '/team/info?team_id=', ({ team_id }) => team_id],
    ['customer', '/customer/new', { user_id: ID }, '/customer/info?end_user_id=', ({ user_id }) => user_id],
    ['tier', '/budget/new', { budget_id: ID, max_budget: 3 }, '/budget/settings?budget_id=', (fields) => fields[0].field_value === 3 && ID],
    ['key', '/key/generate', { key_alias: ID }, '/key/list?return_full_object=true&key_alias=', ({ keys }) => keys[0]?.key_alias],
  ])('of a %s is its id', async (_, write, body, read, idIn) => {
    await gateway.create(write, body);
    expect(idIn(await get(`${read}${ID}`))).toBe(ID);
  }); // prettier-ignore

  it('does not change what a form says elsewhere', async () => {
    await gateway.createKey({ key_alias: 'my key' });
    expect((await get('/key/list?key_alias=my+key')).total_count).toBe(1);
  });
});

describe('blocked', () => {
  it('of a key is true or false, whoever opens it', async () => {
    const key = await gateway.createKey();
    const blocked = async () => (await get(`/key/info?key=${key}`)).info.blocked as unknown;
    expect(await blocked()).toBe(false);
    await gateway.create('/key/block', { key });
    expect(await blocked()).toBe(true);
    await gateway.create('/key/unblock', { key });
    expect(await blocked()).toBe(false);
    await gateway.create('/key/update', { key, blocked: true });
    expect(await blocked()).toBe(true);
    expect((await gateway.create('/key/update', { key, blocked: false })).blocked).toBe(false);
  });
});

describe('a tier in use', () => {
  it('names who holds it, and the requests that free it do', async () => {
    const budget_id = 'held';
    await gateway.create('/budget/new', { budget_id, max_budget: 1 });
    const names = { team_id: 'holder', user_id: 'holder', organization_id: 'holder' };
    await gateway.create('/team/new', { team_id: names.team_id, team_alias: 'Research', budget_id });
    await gateway.create('/user/new', { user_id: names.user_id, budget_id, auto_create_key: false });
    await gateway.create('/organization/new', { organization_id: names.organization_id, organization_alias: 'acme', budget_id });
    await gateway.create('/customer/new', { user_id: 'holder', budget_id });
    await gateway.create('/tag/new', { name: 'holder', budget_id });
    await gateway.createKey({ budget_id, key_alias: 'holder-of-it' });
    for (let i = 0; i < 6; i++) await gateway.createKey({ budget_id });

    const remove = () => gateway.admin('POST', '/budget/delete', { id: budget_id });
    const { status, body } = await remove();
    expect(status).toBe(409);
    expect(body.error.message).toContain('Research (holder), e.g. POST /team/update {"team_id":"holder","budget_id":null}');
    expect(body.error.message).toContain('{"key_alias":"holder-of-it","budget_id":null}');
    expect(body.error.message).toContain(' and 2 more');
    expect(body.error.message).not.toContain('404');
    const kinds = body.error.details.holders.map(({ kind, count, first }: Json) => [kind, count, first.length]);
    expect(kinds.toSorted()).toEqual([['customer', 1, 1], ['key', 7, 5], ['organization', 1, 1], ['tag', 1, 1], ['team', 1, 1], ['user', 1, 1]]);

    for (let left = await remove(); left.status === 409; left = await remove())
      for (const { first } of left.body.error.details.holders)
        for (const { release } of first) {
          const [, method, path, sent] = /^(\S+) (\S+) (.*)$/.exec(release)!;
          expect((await gateway.admin(method!, path!, JSON.parse(sent!))).status).toBe(200);
        }
    expect((await gateway.create('/budget/info', { budgets: [budget_id] }))).toEqual([]);
    expect((await get('/team/info?team_id=holder')).team_info.budget_id).toBeNull();
  }); // prettier-ignore
});

describe('permissions of members', () => {
  it('stay as they are where they are null', async () => {
    const team_id = 'permits';
    const update = (team_member_permissions: unknown) =>
      gateway.admin('POST', '/team/permissions_update', { team_id, team_member_permissions });
    await gateway.create('/team/new', { team_id, team_member_permissions: ['/key/info'] });
    expect((await update(null)).body.team_member_permissions).toEqual(['/key/info']);
    expect((await update([])).body.team_member_permissions).toEqual([]);
    expect((await update('/key/info')).status).toBe(422);
    expect((await gateway.admin('POST', '/team/permissions_update', { team_id })).status).toBe(422);
  });
});

describe('the id of a request', () => {
  it('is the client’s own, and without 404 else', async () => {
    const refused = (headers: Record<string, string> = {}) =>
      gateway.as(gateway.masterKey, 'POST', '/team/new', { max_budget: -1 }, headers);
    expect((await refused({ 'x-request-id': 'run-404' })).body.error.details.request_id).toBe('run-404');
    expect((await refused()).text).not.toContain('404');
  });
});
