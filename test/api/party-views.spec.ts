import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secretHash } from '../../src/platform/secrets.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves what the views of keys, teams and users show: the limits of their tiers, and all rows to an admin who names none. */

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(() => closeAll(gateway, upstream));

const get = async (path: string, key = gateway.masterKey) => (await gateway.as(key, 'GET', path)).body;

describe('a tier', () => {
  const TABLE = {
    budget_id: 'tier',
    max_budget: 0.05,
    soft_budget: null,
    budget_duration: '1d',
    budget_reset_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT00:00:00.000Z$/),
    model_max_budget: null,
    tpm_limit: 9_007_199_254_740_991,
    rpm_limit: 3,
    max_parallel_requests: null,
  };
  const limited = { budget_id: 'tier', max_budget: null, budget_reset_at: TABLE.budget_reset_at, litellm_budget_table: TABLE };
  const unlimited = { budget_id: null, budget_reset_at: null, litellm_budget_table: null };
  let key: string;
  let hash: string;
  beforeAll(async () => {
    await gateway.create('/budget/new', { budget_id: 'tier', max_budget: 0.05, budget_duration: '1d', rpm_limit: 3, tpm_limit: TABLE.tpm_limit });
    await gateway.create('/team/new', { team_id: 't', team_alias: 'T', budget_id: 'tier' });
    await gateway.create('/user/new', { user_id: 'u', budget_id: 'tier', auto_create_key: false });
    key = await gateway.createKey({ key_alias: 'k', user_id: 'u', team_id: 't', budget_id: 'tier' });
    hash = secretHash(key);
    await gateway.createKey({ key_alias: 'none', user_id: 'u', team_id: 't' });
  });

  it.each<[string, () => Promise<object>]>([
    ['/key/info', async () => (await get(`/key/info?key=${hash}`)).info],
    ['/key/info of the key itself', async () => (await get('/key/info', key)).info],
    ['/v2/key/info', async () => (await gateway.create('/v2/key/info', { keys: [key] })).info[0]],
    ['/key/list', async () => (await get('/key/list?return_full_object=true&key_alias=k')).keys[0]],
    ['/key/list with users', async () => (await get('/key/list?return_full_object=true&key_alias=k&expand=user')).keys[0].user],
    ['/spend/keys', async () => (await get('/spend/keys')).find(({ token }: { token: string }) => token === hash)],
    ['/key/update', () => gateway.create('/key/update', { key })],
    ['/team/info', async () => (await get('/team/info?team_id=t')).team_info],
    ['/team/info, of its keys', async () => (await get('/team/info?team_id=t')).keys.find(({ token }: { token: string }) => token === hash)],
    ['/team/list', async () => (await get('/team/list')).find(({ team_id }: { team_id: string }) => team_id === 't')],
    ['/v2/team/list', async () => (await get('/v2/team/list?team_id=t')).teams[0]],
    ['/team/update', async () => (await gateway.create('/team/update', { team_id: 't' })).data],
    ['/user/info', async () => (await get('/user/info?user_id=u')).user_info],
    ['/user/info, of its keys', async () => (await get('/user/info?user_id=u')).keys.find(({ token }: { token: string }) => token === hash)],
    ['/v2/user/info', () => get('/v2/user/info?user_id=u')],
    ['/user/list', async () => (await get('/user/list?user_ids=u')).users[0]],
    ['/spend/users', async () => (await get('/spend/users?user_id=u'))[0]],
  ])('is shown by %s, as its limits alone', async (_, shown) => {
    const view = (await shown()) as { litellm_budget_table: object };
    expect(view).toMatchObject(limited);
    expect(view.litellm_budget_table).toEqual(TABLE);
  });

  it('is shown as it is now, and where there is none there is no table', async () => {
    const info = async (alias: string) =>
      (await get(`/key/list?return_full_object=true&key_alias=${alias}`)).keys[0];
    expect(await info('none')).toMatchObject(unlimited);
    await gateway.create('/budget/update', { budget_id: 'tier', rpm_limit: 4 });
    expect((await info('k')).litellm_budget_table.rpm_limit).toBe(4);
    await gateway.create('/budget/update', { budget_id: 'tier', rpm_limit: 3 });
  });

  it('limits calls with a rate beyond 32 bits', async () => {
    const { status, headers } = await gateway.chat(await gateway.createKey({ budget_id: 'tier' }), { model: 'm-free' });
    expect([status, Number(headers['x-ratelimit-limit-tokens'])]).toEqual([200, TABLE.tpm_limit]);
    const [used, left] = ['limit', 'remaining'].map((name) => Number(headers[`x-ratelimit-${name}-tokens`]));
    expect(left).toBeLessThan(used!);
  });

  it('gives a key with an amount of its own no window', async () => {
    const own = await gateway.createKey({ budget_id: 'tier', max_budget: 1 });
    expect((await get(`/key/info?key=${own}`)).info).toMatchObject({
      max_budget: 1,
      budget_reset_at: null,
      litellm_budget_table: TABLE,
    });
  });
}); // prettier-ignore

describe('/user/info without a user', () => {
  const ids = ({ keys, teams }: { keys: { key_alias: string }[]; teams: { team_id: string }[] }) => ({
    keys: keys.flatMap(({ key_alias }) => key_alias ?? []).filter((alias) => alias.startsWith('info-')),
    teams: teams.map(({ team_id }) => team_id).filter((id) => id.startsWith('info-')),
  });
  const all = { keys: ['info-b', 'info-a'], teams: ['info-t1', 'info-t2'] };
  beforeAll(async () => {
    await gateway.create('/team/new', { team_id: 'info-t2', team_alias: 'Two' });
    await gateway.create('/team/new', { team_id: 'info-t1', team_alias: 'One' });
    await gateway.createKey({ key_alias: 'info-a', team_id: 'info-t1' });
    await gateway.create('/user/new', { user_id: 'info-own', teams: ['info-t2'], auto_create_key: false });
  });

  it('is all keys and teams for the master key, whose user has no row', async () => {
    await gateway.createKey({ key_alias: 'info-b', user_id: 'info-own' });
    const answer = await get('/user/info');
    expect(answer).toMatchObject({ user_id: 'default_user_id', user_info: null });
    expect(ids(answer)).toEqual(all);
    expect(await get('/user/info?user_id=default_user_id')).toEqual({
      user_id: 'default_user_id',
      user_info: null,
      keys: [],
      teams: [],
    });
    expect((await gateway.admin('GET', '/v2/user/info')).status).toBe(404);
  });

  it.each(['proxy_admin', 'proxy_admin_viewer'])('is all of them for a %s, and the user itself', async (user_role) => {
    const user_id = `info-${user_role}`;
    await gateway.create('/user/new', { user_id, user_role, auto_create_key: false });
    const answer = await get('/user/info', await gateway.createKey({ user_id }));
    expect(answer).toMatchObject({ user_id, user_info: { user_id, user_role } });
    expect(ids(answer)).toEqual(all);
  });

  it('is the user of the key for everybody else', async () => {
    const key = await gateway.createKey({ user_id: 'info-own', key_alias: 'info-c' });
    const answer = await get('/user/info', key);
    expect(answer).toMatchObject({ user_id: 'info-own', user_info: { user_id: 'info-own' } });
    expect(ids(answer)).toEqual({ keys: ['info-c', 'info-b'], teams: ['info-t2'] });
    expect((await gateway.as(key, 'GET', '/user/info?user_id=default_user_id')).status).toBe(403);
  });
}); // prettier-ignore

describe('a list', () => {
  const ids = {
    '/key/list': ({ keys }: { keys: object[] }) => keys.length,
    '/key/aliases': ({ aliases }: { aliases: object[] }) => aliases.length,
    '/team/list': (teams: object[]) => teams.length,
    '/v2/team/list': ({ teams }: { teams: object[] }) => teams.length,
    '/user/list': ({ users }: { users: object[] }) => users.length,
    '/organization/list': (organizations: object[]) => organizations.length,
    '/spend/users': (users: object[]) => users.length,
  } as const;

  it.each<[keyof typeof ids, string]>([
    ['/key/list', 'team_id=&user_id=&organization_id=&key_hash=&key_alias='],
    ['/key/aliases', 'team_id=&search='],
    ['/team/list', 'user_id=&organization_id='],
    ['/v2/team/list', 'user_id=&organization_id=&team_id=&team_alias=&search='],
    ['/user/list', 'user_ids=&sso_user_ids=&user_email=&team=&organization_ids='],
    ['/organization/list', 'org_id=&org_alias='],
    ['/spend/users', 'user_id='],
  ])('%s is not filtered by what is empty', async (path, query) => {
    await gateway.admin('POST', '/organization/new', { organization_id: 'listed', organization_alias: 'L' });
    const all = ids[path]((await get(path)) as never);
    expect(all).toBeGreaterThan(0);
    expect(ids[path]((await get(`${path}?${query}`)) as never)).toBe(all);
  });

  it.each(['/team/list', '/v2/team/list'])('%s of an organization admin has all teams of the organization', async (path) => {
    const id = path.replaceAll('/', '-');
    await gateway.create('/organization/new', { organization_id: id, organization_alias: id });
    await gateway.create('/user/new', { user_id: id, auto_create_key: false });
    await gateway.create('/user/new', { user_id: `${id}-other`, auto_create_key: false });
    await gateway.create('/organization/member_add', { organization_id: id, member: { role: 'org_admin', user_id: id } });
    await gateway.create('/team/new', { team_id: `${id}-a`, organization_id: id });
    await gateway.create('/team/new', { team_id: `${id}-b`, members_with_roles: [{ role: 'user', user_id: id }] });
    await gateway.create('/team/new', { team_id: `${id}-c`, organization_id: id, members_with_roles: [{ role: 'user', user_id: `${id}-other` }] });
    const key = await gateway.createKey({ user_id: id });
    const teams = async (user: string) => {
      const body = await get(`${path}?user_id=${user}`, key);
      return ((body.teams ?? body) as { team_id: string }[]).map(({ team_id }) => team_id.slice(id.length + 1)).toSorted();
    };
    expect([await teams(id), await teams(`${id}-other`)]).toEqual([['a', 'b', 'c'], ['c']]);
  }); // prettier-ignore
});

describe('/key/update by alias', () => {
  it('changes the key of that alias, and no other', async () => {
    const key = await gateway.createKey({ key_alias: 'by-alias' });
    const changed = await gateway.create('/key/update', { key_alias: 'by-alias', max_budget: 3 });
    expect(changed).toMatchObject({ key: secretHash(key), key_alias: 'by-alias', max_budget: 3 });
    const { successful_updates } = await gateway.create('/key/bulk_update', { keys: [{ key_alias: 'by-alias', max_budget: 4 }] }); // prettier-ignore
    expect(successful_updates).toMatchObject([{ key: secretHash(key), key_info: { max_budget: 4 } }]);
  });

  it('is 404 for an alias that is not there, 403 for one that is not visible, and 400 without a name', async () => {
    await gateway.create('/user/new', { user_id: 'alias-user', auto_create_key: false });
    const key = await gateway.createKey({ user_id: 'alias-user' });
    await gateway.createKey({ key_alias: 'hidden' });
    const refused = async (by: string, body: object) => {
      const { status, body: answer } = await gateway.as(by, 'POST', '/key/update', body);
      return [status, answer.error.param];
    };
    expect(await refused(gateway.masterKey, { key_alias: 'not-there' })).toEqual([404, 'key_alias']);
    expect(await refused(key, { key_alias: 'hidden', max_budget: 1 })).toEqual([403, 'key_alias']);
    expect(await refused(key, { key_alias: 'not-there', max_budget: 1 })).toEqual([403, 'key_alias']);
    expect(await refused(gateway.masterKey, { max_budget: 1 })).toEqual([400, 'key']);
  });
});

describe('a proxy admin who becomes an ordinary user', () => {
  it('gets 403 for what it managed, in no words that Terraform takes for missing', async () => {
    const { key: bot } = await gateway.create('/user/new', { user_id: 'bot-404', user_role: 'proxy_admin' });
    const managed = await gateway.createKey({ key_alias: 'managed-404' });
    await gateway.create('/team/new', { team_id: 'team-404' });
    await gateway.create('/organization/new', { organization_id: 'org-404', organization_alias: 'org-404' });
    await gateway.create('/user/new', { user_id: 'managed-user-404', auto_create_key: false });
    const reads = (key: string, party: string) => [
      `/key/info?key=${key}`,
      `/team/info?team_id=team-${party}`,
      `/organization/info?organization_id=org-${party}`,
      `/user/info?user_id=managed-user-${party}`,
    ];
    const statuses = async (paths: string[]) =>
      Promise.all(paths.map(async (path) => (await gateway.as(bot as string, 'GET', path)).status));
    const [there, gone] = [reads(managed, '404'), reads('sk-nobodynobodynobody1234', 'gone')];
    expect([await statuses(there), await statuses(gone)]).toEqual([Array(4).fill(200), Array(4).fill(404)]);
    await gateway.create('/user/update', { user_id: 'bot-404', user_role: 'internal_user' });
    for (const [i, path] of there.entries()) {
      const [hidden, missing] = [path, gone[i]!].map((asked) => gateway.as(bot as string, 'GET', asked));
      const { status, text, body } = await hidden!;
      const { request_id, ...details } = body.error.details;
      expect([status, body.error.type, details]).toEqual([403, 'auth_error', { retryable: false }]);
      expect(text.replaceAll(request_id, '')).not.toMatch(/404|not found|does not exist|doesn't exist/i);
      const other = await missing!;
      expect(other.text.replaceAll(other.body.error.details.request_id, '')).toBe(
        text.replaceAll(request_id, ''),
      );
    }
  });
});
