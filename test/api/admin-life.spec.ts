import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { secretHash } from '../../src/platform/secrets.js';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves the life of what admins make: created, read back as sent, changed, listed, deleted. Every mistake has its status. */

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: {
      litellm_settings: { default_internal_user_params: { available_teams: ['open-house'] } },
      model_list: [
        { model_name: 'm-a', litellm_params: params(upstream.url), model_info: { id: 'd-a', ...free } },
        { model_name: 'm-b', litellm_params: params(upstream.url), model_info: { id: 'd-b', access_groups: ['filed'], ...free } },
        { model_name: 'm-c', litellm_params: params(upstream.url), model_info: { id: 'd-c', mode: 'chat', supports_vision: true, max_input_tokens: 9_000, input_cost_per_token: 1.5e-7, output_cost_per_token: 6e-7 } },
      ],
    },
  });
}); // prettier-ignore
afterAll(() => closeAll(gateway, upstream));

const free = { input_cost_per_token: 0, output_cost_per_token: 0 };
const params = (api_base: string) => ({ model: 'openai/up', api_base, api_key: 'sk-provider' });
const admin = (method: string, path: string, body?: unknown) => gateway.admin(method, path, body);
const get = async (path: string) => (await admin('GET', path)).body;
const put = async (method: string, path: string, body?: unknown): Promise<Answer['body']> => {
  const { status, text, body: answer } = await admin(method, path, body);
  expect(status, `${method} ${path}: ${text}`).toBeLessThan(300);
  return answer;
};
/** Tells whether a key with these fields may call the model. */
const mayCall = async (fields: object, model: string) => calls(await gateway.createKey(fields), model);
const calls = async (key: string, model: string) => {
  const { status, text } = await gateway.chat(key, { model, max_tokens: 1 });
  expect([200, 400, 403], text).toContain(status);
  return status === 200;
};

interface Resource {
  readonly make: readonly [method: string, path: string];
  /** Fields that are sent, and that must come back unchanged. */
  readonly sent: object;
  readonly read: () => Promise<Answer['body']>;
  /** Changes, and the row after each. */
  readonly changes: readonly (readonly [method: string, path: string, body: object, after: object])[];
  readonly list?: () => Promise<Answer['body'][]>;
  readonly remove: readonly [method: string, path: string, body?: object];
  readonly gone: () => Promise<Answer>;
}

const LIMITS = {
  max_budget: 12.000000001,
  budget_duration: '30d',
  tpm_limit: 0,
  rpm_limit: 7,
};

const resources: Record<string, () => Resource> = {
  budget: () => ({
    make: ['POST', '/budget/new'],
    sent: {
      budget_id: 'life',
      ...LIMITS,
      soft_budget: 3,
      max_parallel_requests: 2,
      model_max_budget: { z: { max_budget: 1 }, a: { max_budget: 2 } },
    },
    read: async () => (await put('POST', '/budget/info', { budgets: ['life'] }))[0],
    changes: [
      ['POST', '/budget/update', { budget_id: 'life', rpm_limit: 8 }, { rpm_limit: 8, max_budget: 12.000000001 }],
      ['POST', '/budget/update', { budget_id: 'life', max_budget: 0, tpm_limit: null }, { max_budget: 0, tpm_limit: null, rpm_limit: 8 }],
      ['POST', '/budget/update', { budget_id: 'life', budget_duration: null, model_max_budget: {} }, { budget_duration: null, budget_reset_at: null, model_max_budget: {} }],
    ],
    list: () => get('/budget/list'),
    remove: ['POST', '/budget/delete', { id: 'life' }],
    gone: () => admin('GET', '/budget/settings?budget_id=life'),
  }),
  user: () => ({
    make: ['POST', '/user/new'],
    sent: {
      user_id: 'life',
      user_email: 'life@example.com',
      user_alias: 'Life',
      user_role: 'internal_user_viewer',
      ...LIMITS,
      models: ['m-b', 'm-a'],
      metadata: { b: '1', a: '2' },
      auto_create_key: false,
    },
    read: () => get('/v2/user/info?user_id=life'),
    changes: [
      ['POST', '/user/update', { user_id: 'life', user_alias: null, max_budget: 0 }, { user_alias: null, max_budget: 0, rpm_limit: 7 }],
      ['POST', '/user/update', { user_id: 'life', models: [], metadata: {}, rpm_limit: null }, { models: [], metadata: {}, rpm_limit: null, max_budget: 0 }],
      ['POST', '/user/bulk_update', { users: [{ user_id: 'life', tpm_limit: 5 }] }, { tpm_limit: 5, max_budget: 0 }],
    ],
    list: async () => (await get('/user/list')).users,
    remove: ['POST', '/user/delete', { user_ids: ['life'] }],
    gone: () => admin('GET', '/v2/user/info?user_id=life'),
  }),
  team: () => ({
    make: ['POST', '/team/new'],
    sent: {
      team_id: 'life',
      team_alias: 'Life',
      ...LIMITS,
      team_member_budget: 1.5,
      team_member_rpm_limit: 3,
      team_member_tpm_limit: 4,
      models: ['m-b', 'm-a'],
      tags: ['z', 'a'],
      guardrails: ['g'],
      prompts: ['p'],
      metadata: { b: '1', a: { deep: [1] } },
      model_aliases: { fast: 'm-a' },
      model_rpm_limit: { 'm-a': 3 },
      router_settings: { fallbacks: [{ 'm-a': ['m-b', 'm-c'] }] },
      blocked: false,
    },
    read: async () => (await get('/team/info?team_id=life')).team_info,
    changes: [
      ['POST', '/team/update', { team_id: 'life', max_budget: null, team_member_budget: null, tags: [] }, { max_budget: null, tags: [], rpm_limit: 7 }],
      ['POST', '/team/block', { team_id: 'life' }, { blocked: true }],
      ['POST', '/team/unblock', { team_id: 'life' }, { blocked: false }],
      ['POST', '/team/model/add', { team_id: 'life', models: ['m-c', 'm-a'] }, { models: ['m-b', 'm-a', 'm-c'] }],
      ['POST', '/team/model/delete', { team_id: 'life', models: ['m-a', 'none'] }, { models: ['m-b', 'm-c'] }],
      ['POST', '/team/model/delete', { team_id: 'life', models: ['m-b', 'm-c'] }, { models: ['no-default-models'] }],
      ['POST', '/team/model/add', { team_id: 'life', models: ['m-a'] }, { models: ['m-a'] }],
      ['POST', '/team/update', { team_id: 'life', models: [] }, { models: [] }],
      ['POST', '/team/model/delete', { team_id: 'life', models: ['m-a'] }, { models: [] }],
      ['POST', '/team/model/add', { team_id: 'life', models: ['m-a'] }, { models: ['all-proxy-models', 'm-a'] }],
    ],
    list: async () => (await get('/v2/team/list?search=LIF')).teams,
    remove: ['POST', '/team/delete', { team_ids: ['life'] }],
    gone: () => admin('GET', '/team/info?team_id=life'),
  }),
  organization: () => ({
    make: ['POST', '/organization/new'],
    sent: {
      organization_id: 'life',
      organization_alias: 'Life',
      ...LIMITS,
      models: ['m-b', 'm-a'],
      tags: ['z', 'a'],
      metadata: { b: '1', a: '2' },
      model_rpm_limit: { 'm-a': 3 },
      blocked: false,
    },
    read: () => get('/organization/info?organization_id=life'),
    changes: [
      ['PATCH', '/organization/update', { organization_id: 'life', rpm_limit: 0, tags: [] }, { rpm_limit: 0, tags: [], max_budget: 12.000000001 }],
      ['PATCH', '/organization/update', { organization_id: 'life', models: [], blocked: true }, { models: [], blocked: true }],
    ],
    list: () => get('/organization/list?org_alias=LIF'),
    remove: ['DELETE', '/organization/delete', { organization_ids: ['life'] }],
    gone: () => admin('GET', '/organization/info?organization_id=life'),
  }),
  customer: () => ({
    make: ['POST', '/customer/new'],
    sent: { user_id: 'life', alias: 'Life', blocked: true, default_model: 'm-a' },
    read: () => get('/end_user/info?end_user_id=life'),
    changes: [
      ['POST', '/customer/update', { user_id: 'life', blocked: false, max_budget: 0 }, { blocked: false, alias: 'Life', litellm_budget_table: expect.objectContaining({ max_budget: 0 }) }],
      ['POST', '/end_user/update', { user_id: 'life', alias: null, max_budget: null }, { alias: null, litellm_budget_table: null }],
      ['POST', '/customer/block', { user_ids: ['life'] }, { blocked: true }],
      ['POST', '/end_user/unblock', { user_ids: ['life'] }, { blocked: false }],
    ],
    list: () => get('/customer/list'),
    remove: ['POST', '/customer/delete', { user_ids: ['life'] }],
    gone: () => admin('GET', '/customer/info?end_user_id=life'),
  }),
  model: () => ({
    make: ['POST', '/model/new'],
    sent: {
      model_name: 'life',
      litellm_params: { model: 'openai/up', api_base: upstream.url, timeout: 5, tpm: 10 },
      model_info: { id: 'life', tier: 'free', mode: 'chat', access_groups: ['z', 'a'], ...free },
    },
    read: async () => (await get('/model/info?litellm_model_id=life')).data?.[0],
    changes: [
      ['PATCH', '/model/life/update', { litellm_params: { timeout: null, rpm: 3 } }, { litellm_params: expect.objectContaining({ rpm: 3, tpm: 10 }) }],
      ['PATCH', '/model/life/update', { model_info: { access_groups: ['b'], tier: null } }, { model_info: expect.objectContaining({ access_groups: ['b'], mode: 'chat' }) }],
      ['POST', '/model/update', { model_name: 'renamed', model_info: { id: 'life' } }, { model_name: 'renamed' }],
    ],
    list: async () => (await get('/v2/model/info?search=RENAM&size=5')).data,
    remove: ['POST', '/model/delete', { id: 'life' }],
    gone: () => admin('GET', '/model/info?litellm_model_id=life'),
  }),
  'access group by name': () => ({
    make: ['POST', '/access_group/new'],
    sent: { access_group: 'life', model_names: ['m-c', 'm-a'] },
    read: () => get('/access_group/life/info'),
    changes: [['PUT', '/access_group/life/update', { model_names: ['m-b', 'm-a'] }, { model_names: ['m-b', 'm-a'], deployment_count: 2 }]],
    list: async () => (await get('/access_group/list')).access_groups,
    remove: ['DELETE', '/access_group/life/delete'],
    gone: () => admin('GET', '/access_group/life/info'),
  }),
}; // prettier-ignore

describe.each(Object.keys(resources))('a %s', (kind) => {
  it('lives as it is told', async () => {
    const { make, sent, read, changes, list, remove, gone } = resources[kind]!();
    await put(make[0], make[1], sent);
    const { auto_create_key: _, ...values } = sent as Record<string, unknown>;
    expect(await read()).toMatchObject(values);
    for (const [method, path, body, after] of changes) {
      await put(method, path, body);
      expect(await read(), `${path} ${JSON.stringify(body)}`).toMatchObject(after);
    }
    if (list) expect(JSON.stringify(await list())).toMatch(/"(?:life|renamed)"/);
    await put(...remove);
    const { status, body } = await gone();
    expect([status, body.error.type]).toEqual([404, 'not_found_error']);
  });
});

describe('the wrong way', () => {
  beforeAll(async () => {
    await put('POST', '/budget/new', { budget_id: 'used', max_budget: 1 });
    await put('POST', '/team/new', { team_id: 'there', budget_id: 'used' });
    await put('POST', '/model/new', { model_name: 'there', litellm_params: params(upstream.url), model_info: { id: 'there' } });
    await put('POST', '/access_group/new', { access_group: 'there', model_names: ['m-a'] });
  }); // prettier-ignore

  it.each<[method: string, path: string, body: object | undefined, status: number, param: string]>([
    ['POST', '/budget/update', { budget_id: 'nobody' }, 404, 'budget_id'],
    ['POST', '/budget/update', { budget_id: 'used', max_budget: -1 }, 422, 'max_budget'],
    ['POST', '/budget/update', { max_budget: 1 }, 422, 'budget_id'],
    ['POST', '/budget/delete', { id: 'nobody' }, 404, 'budget_id'],
    ['POST', '/budget/delete', { id: 'used' }, 409, 'id'],
    ['POST', '/budget/delete', {}, 422, 'id'],
    ['GET', '/budget/settings', undefined, 422, 'budget_id'],
    ['POST', '/user/bulk_update', {}, 400, 'users'],
    ['POST', '/user/bulk_update', { all_users: true }, 400, 'user_updates'],
    ['POST', '/user/bulk_update', { all_users: true, user_updates: { user_id: 'x' } }, 400, 'user_updates'],
    ['POST', '/user/bulk_update', { users: [{ user_id: 'x', max_budget: -1 }] }, 422, 'users.0.max_budget'],
    ['POST', '/user/new', { teams: [{ team_id: 5 }] }, 422, 'teams.0.team_id'],
    ['POST', '/user/new', { teams: ['nobody'] }, 404, 'team_id'],
    ['POST', '/user/new', { organizations: ['nobody'] }, 404, 'organizations'],
    ['GET', '/user/list?sort_by=password', undefined, 422, 'sort_by'],
    ['GET', '/v2/user/info?user_id=nobody', undefined, 404, 'user_id'],
    ['POST', '/team/model/add', { team_id: 'nobody', models: ['m-a'] }, 404, 'team_id'],
    ['POST', '/team/model/delete', { team_id: 'there', models: [] }, 422, 'models'],
    ['POST', '/team/model/add', { team_id: 'there' }, 422, 'models'],
    ['GET', '/v2/team/list?page_size=5000', undefined, 422, 'page_size'],
    ['POST', '/team/update', { team_id: 'there', access_group_ids: ['nobody'] }, 404, 'access_group_ids'],
    ['POST', '/team/update', { team_id: 'there', access_group_ids: [5] }, 422, 'access_group_ids'],
    ['POST', '/key/generate', { access_group_ids: ['nobody'] }, 404, 'access_group_ids'],
    ['PATCH', '/model/nobody/update', {}, 404, 'id'],
    ['PATCH', '/model/d-a/update', { model_name: 'x' }, 400, 'id'],
    ['PATCH', '/model/there/update', { model_info: { id: 'other' } }, 422, 'model_info.id'],
    ['PATCH', '/model/there/update', { litellm_params: { model: null } }, 422, 'litellm_params.model'],
    ['PATCH', '/model/there/update', { litellm_params: { api_key: 'os.environ/PATH' } }, 422, 'litellm_params.api_key'],
    ['PATCH', '/model/there/update', { model_info: { api_key: 'x' } }, 422, 'model_info.api_key'],
    ['POST', '/model/update', { model_info: {} }, 422, 'model_info.id'],
    ['POST', '/model/new', { model_name: 'x', litellm_params: { model: 'openai/x' }, model_info: { team_id: 'nobody' } }, 404, 'model_info.team_id'],
    ['POST', '/model/new', { model_name: 'x-*', litellm_params: { model: 'openai/*' }, model_info: { team_id: 'there' } }, 422, 'model_name'],
    ['POST', '/model/new', { model_name: 'model_name_x', litellm_params: { model: 'openai/x' } }, 422, 'model_name'],
    ['POST', '/model/new', { model_name: 'x', litellm_params: { model: 'openai/x', max_budget: 1 } }, 422, 'litellm_params.max_budget'],
    ['POST', '/model/new', { model_name: 'x', litellm_params: { model: 'openai/x', guardrails: ['pii'] } }, 422, 'litellm_params.guardrails'],
    ['PATCH', '/model/there/update', { litellm_params: { max_budget: 1 } }, 422, 'litellm_params.max_budget'],
    ['POST', '/access_group/new', { access_group: 'there', model_names: ['m-a'] }, 409, 'access_group'],
    ['POST', '/access_group/new', { access_group: 'filed', model_names: ['m-a'] }, 409, 'access_group'],
    ['POST', '/access_group/new', { access_group: '*', model_names: ['m-a'] }, 422, 'access_group'],
    ['POST', '/access_group/new', { access_group: 'new', model_names: [] }, 422, 'model_names'],
    ['POST', '/access_group/new', { access_group: 'new', model_names: ['nobody'] }, 404, 'model_names'],
    ['POST', '/access_group/new', { access_group: 'new', model_ids: ['nobody'] }, 404, 'model_ids'],
    ['PUT', '/access_group/nobody/update', { model_names: ['m-a'] }, 404, 'access_group'],
    ['PUT', '/access_group/filed/update', { model_names: ['m-a'] }, 400, 'access_group'],
    ['DELETE', '/access_group/filed/delete', undefined, 400, 'access_group'],
    ['DELETE', '/access_group/nobody/delete', undefined, 404, 'access_group'],
    ['POST', '/v1/access_group', {}, 422, 'access_group_name'],
    ['POST', '/v1/access_group', { access_group_name: 'there' }, 409, 'access_group_name'],
    ['POST', '/v1/access_group', { access_group_name: 'new', assigned_team_ids: ['nobody'] }, 404, 'assigned_team_ids'],
    ['POST', '/v1/access_group', { access_group_name: 'new', assigned_key_ids: ['nobody'] }, 404, 'assigned_key_ids'],
    ['POST', '/v1/access_group', { access_group_name: 'new', access_model_names: [5] }, 422, 'access_model_names'],
    ['PUT', '/v1/access_group/nobody', {}, 404, 'access_group_id'],
    ['DELETE', '/v1/access_group/nobody', undefined, 404, 'access_group_id'],
  ])('%s %s %j: %s %s', async (method, path, body, status, param) => {
    const answer = await admin(method, path, body);
    expect([answer.status, answer.body.error.param]).toEqual([status, param]);
  }); // prettier-ignore
});

describe('a tier', () => {
  it('that changes limits whoever names it, from the next call on', async () => {
    await put('POST', '/budget/new', { budget_id: 'shrinks', max_budget: 1 });
    const key = await gateway.createKey({ budget_id: 'shrinks' });
    const status = async () => (await gateway.chat(key, { model: 'm-c', max_tokens: 5 })).status;
    expect(await status()).toBe(200);
    await put('POST', '/budget/update', { budget_id: 'shrinks', max_budget: 0 });
    expect(await status()).toBe(429);
    expect((await admin('POST', '/budget/delete', { id: 'shrinks' })).status).toBe(409);
    await put('POST', '/key/delete', { keys: [key] });
    expect(await put('POST', '/budget/delete', { id: 'shrinks' })).toMatchObject({ budget_id: 'shrinks' });
  });

  it('is described limit by limit', async () => {
    await put('POST', '/budget/new', { budget_id: 'described', max_budget: 2.5 });
    const settings = await get('/budget/settings?budget_id=described');
    expect(settings).toHaveLength(7);
    expect(settings[0]).toMatchObject({ field_name: 'max_budget', field_type: 'Float', field_value: 2.5, stored_in_db: true });
    expect(settings[3]).toMatchObject({ field_name: 'tpm_limit', field_value: null, stored_in_db: false });
  }); // prettier-ignore
});

describe('users', () => {
  it('join teams and organizations as they are made', async () => {
    await put('POST', '/team/new', { team_id: 'joined' });
    await put('POST', '/organization/new', { organization_id: 'joined', organization_alias: 'joined' });
    await put('POST', '/user/new', {
      user_id: 'joiner',
      teams: [{ team_id: 'joined', user_role: 'admin', max_budget_in_team: 0.5 }],
      organizations: ['joined'],
      auto_create_key: false,
    });
    const { team_info, team_memberships } = await get('/team/info?team_id=joined');
    expect(team_info.members_with_roles).toMatchObject([{ user_id: 'joiner', role: 'admin' }]);
    expect(team_memberships).toMatchObject([{ litellm_budget_table: { max_budget: 0.5 } }]);
    expect((await get('/organization/info?organization_id=joined')).members).toMatchObject([{ user_id: 'joiner' }]);
    expect((await get('/user/list?organization_ids=x,joined')).users).toMatchObject([{ user_id: 'joiner' }]);
  }); // prettier-ignore

  it('are found and sorted', async () => {
    for (const [i, user_id] of ['find-b', 'find-a', 'find%c'].entries())
      await put('POST', '/user/new', { user_id, sso_user_id: `sso-${i}`, auto_create_key: false });
    const key = await gateway.createKey({ user_id: 'find-a' });
    await gateway.chat(key, { model: 'm-c', max_tokens: 5 });
    const ids = async (query: string) => {
      const { users } = await get(`/user/list?${query}`);
      return (users as { user_id: string }[]).map(({ user_id }) => user_id);
    };
    expect(await ids('user_ids=FIND&sort_by=user_id&sort_order=asc')).toEqual(['find%c', 'find-a', 'find-b']);
    expect(await ids('user_ids=find%25')).toEqual(['find%c']);
    expect(await ids('user_ids=find-a,find-b,nobody&sort_by=user_id&sort_order=asc')).toEqual(['find-a', 'find-b']);
    expect(await ids('sso_user_ids=sso-0,sso-9')).toEqual(['find-b']);
    expect((await ids('user_ids=find&sort_by=spend'))[0]).toBe('find-a');
    expect(await ids('user_ids=find&sort_by=user_id&sort_order=asc&page=2&page_size=2')).toEqual(['find-b']);
  }); // prettier-ignore

  it('change together, each by itself', async () => {
    for (const user_id of ['bulk-a', 'bulk-b'])
      await put('POST', '/user/new', { user_id, rpm_limit: 1, auto_create_key: false });
    const { results, ...counts } = await put('POST', '/user/bulk_update', {
      users: [{ user_id: 'bulk-a', rpm_limit: 5 }, { user_id: 'nobody' }, { user_id: 'bulk-b', rpm_limit: null }],
    });
    expect(counts).toEqual({ total_requested: 3, successful_updates: 2, failed_updates: 1 });
    expect(results).toMatchObject([
      { user_id: 'bulk-a', success: true, error: null, updated_user: { rpm_limit: 5 } },
      { user_id: 'nobody', success: false, error: expect.stringContaining("doesn't exist"), updated_user: null },
      { user_id: 'bulk-b', success: true },
    ]);
    expect((await get('/v2/user/info?user_id=bulk-b')).rpm_limit).toBeNull();
    const all = await put('POST', '/user/bulk_update', { all_users: true, user_updates: { tpm_limit: 9 } });
    expect(all.successful_updates).toBe((await get('/user/list')).total);
    expect((await get('/v2/user/info?user_id=bulk-a')).tpm_limit).toBe(9);
  }); // prettier-ignore

  it('know their roles', async () => {
    const { users } = await get('/user/list');
    expect(users.length).toBeGreaterThan(0);
    expect(Object.keys(await get('/user/available_roles'))).toEqual([
      'proxy_admin',
      'proxy_admin_viewer',
      'internal_user',
      'internal_user_viewer',
    ]);
  });
});

describe('teams', () => {
  it('that are open are joined by oneself, as an ordinary member and no more', async () => {
    await put('POST', '/team/new', { team_id: 'open-house' });
    const { key } = await put('POST', '/user/new', { user_id: 'visitor' });
    const join = (team_id: string, member: object, more: object = {}) =>
      gateway.as(key, 'POST', '/team/member_add', { team_id, member: { role: 'user', user_id: 'visitor', ...member }, ...more });
    const available = async () =>
      ((await gateway.as(key, 'GET', '/team/available')).body as { team_id: string }[]).map(({ team_id }) => team_id);
    expect(await available()).toEqual(['open-house']);
    expect((await join('there', {})).status).toBe(403);
    expect((await join('open-house', { role: 'admin' })).status).toBe(403);
    expect((await join('open-house', { user_id: 'bare' })).body.error.message).toMatch(/^Users join this team by themselves/);
    expect((await join('open-house', {}, { max_budget_in_team: 5 })).status).toBe(403);
    expect((await join('open-house', {})).status).toBe(200);
    expect(await available()).toEqual([]);
  }); // prettier-ignore

  it('are found, sorted and counted in pages, also those that are gone', async () => {
    for (const [team_id, team_alias] of [['list-2', 'List A'], ['list-1', 'list b'], ['list-3', 'List %']] as const)
      await put('POST', '/team/new', { team_id, team_alias, members_with_roles: [{ role: 'user', user_id: `of-${team_id}` }] });
    await gateway.createKey({ team_id: 'list-1' });
    const page = async (query: string) => {
      const { teams, ...rest } = await get(`/v2/team/list?${query}`);
      return { ids: (teams as { team_id: string }[]).map(({ team_id }) => team_id), teams, ...rest };
    };
    expect(await page('team_alias=LIST&sort_by=team_id&page_size=2')).toMatchObject({ ids: ['list-1', 'list-2'], total: 3, page: 1, page_size: 2, total_pages: 2 });
    expect((await page('team_alias=list&sort_by=team_id&sort_order=desc&page_size=2&page=2')).ids).toEqual(['list-1']);
    expect((await page('search=%25')).ids).toEqual(['list-3']);
    expect((await page('search=list-2')).ids).toEqual(['list-2']);
    expect((await page('user_id=of-list-1')).teams).toMatchObject([{ team_id: 'list-1', members_count: 1, keys_count: 1 }]);
    await put('POST', '/team/delete', { team_ids: ['list-3'] });
    expect((await page('team_alias=list')).total).toBe(2);
    expect((await page('team_alias=list&status=deleted')).ids).toEqual(['list-3']);
  }); // prettier-ignore
});

describe('an access group', () => {
  it('alone in a list is exactly its members, by name or by id, and changes with it', async () => {
    const group = await put('POST', '/v1/access_group', { access_group_name: 'pair', access_model_names: ['m-c', 'm-a'] });
    expect(group).toMatchObject({ access_group_id: expect.any(String), access_group_name: 'pair', description: null, access_model_names: ['m-c', 'm-a'], access_mcp_server_ids: [], assigned_team_ids: [], created_by: 'default_user_id', updated_at: expect.any(String) });
    const byName = await gateway.createKey({ models: ['pair'] });
    const byId = await gateway.createKey({ access_group_ids: [group.access_group_id] });
    const both = await gateway.createKey({ models: ['m-b'], access_group_ids: [group.access_group_id] });
    const allowed = async (key: string) => [await calls(key, 'm-a'), await calls(key, 'm-b'), await calls(key, 'm-c')];
    expect([await allowed(byName), await allowed(byId), await allowed(both)]).toEqual([[true, false, true], [true, false, true], [true, true, true]]);
    const listed = (await gateway.as(byId, 'GET', '/v1/models')).body.data as { id: string }[];
    expect(listed.map(({ id }) => id)).toEqual(['m-a', 'm-c']);

    const path = `/v1/access_group/${group.access_group_id}`;
    expect(await put('PUT', path, { access_model_names: ['m-b'] })).toMatchObject({ access_group_name: 'pair', access_model_names: ['m-b'] });
    expect([await allowed(byName), await allowed(byId)]).toEqual([[false, true, false], [false, true, false]]);
    await put('PUT', path, { access_model_names: [] });
    expect([await allowed(byName), await allowed(byId), await allowed(both)]).toEqual([[false, false, false], [false, false, false], [false, true, false]]);
    // A list that names the group follows its new name.
    await put('PUT', path, { access_model_names: ['m-*'], access_group_name: 'all' });
    expect([await allowed(byName), await allowed(byId)]).toEqual([[true, true, true], [true, true, true]]);
  }); // prettier-ignore

  it('that goes opens nothing: what it alone limited may call nothing', async () => {
    await put('POST', '/team/new', { team_id: 'grouped' });
    await put('POST', '/team/new', { team_id: 'grouped-too', models: ['m-b'] });
    const key = await gateway.createKey({});
    const token = secretHash(key);
    const group = await put('POST', '/v1/access_group', {
      access_group_name: 'goes',
      access_model_names: ['m-a'],
      assigned_team_ids: ['grouped-too', 'grouped'],
      assigned_key_ids: [token],
    });
    const id = group.access_group_id as string;
    expect(group).toMatchObject({ assigned_team_ids: ['grouped-too', 'grouped'], assigned_key_ids: [token] });
    const team = async (team_id: string) => (await get(`/team/info?team_id=${team_id}`)).team_info;
    expect(await team('grouped')).toMatchObject({ models: [], access_group_ids: [id] });
    const ofTeam = await gateway.createKey({ team_id: 'grouped' });
    expect([await calls(ofTeam, 'm-a'), await calls(ofTeam, 'm-b'), await calls(key, 'm-b')]).toEqual([true, false, false]);

    expect((await put('PUT', `/v1/access_group/${id}`, { assigned_team_ids: ['grouped'] })).assigned_team_ids).toEqual(['grouped']);
    expect(await team('grouped-too')).toMatchObject({ models: ['m-b'], access_group_ids: [] });
    await put('POST', '/team/update', { team_id: 'grouped-too', access_group_ids: [id] });
    expect((await get(`/v1/access_group/${id}`)).assigned_team_ids).toEqual(['grouped', 'grouped-too']);

    const { status, text } = await admin('DELETE', `/v1/access_group/${id}`);
    expect([status, text]).toEqual([204, '']);
    expect(await team('grouped')).toMatchObject({ models: ['no-default-models'], access_group_ids: [] });
    expect(await team('grouped-too')).toMatchObject({ models: ['m-b'], access_group_ids: [] });
    expect((await get(`/key/info?key=${key}`)).info).toMatchObject({ models: ['no-default-models'] });
    for (const one of [ofTeam, key]) expect(await calls(one, 'm-a')).toBe(false);
  }); // prettier-ignore

  it('by name is of models, of deployments, and of what says so itself', async () => {
    expect(await put('POST', '/access_group/new', { access_group: 'single', model_ids: ['d-a'] })).toEqual({ access_group: 'single', model_names: null, model_ids: ['d-a'], models_updated: 1 });
    expect(await get('/access_group/single/info')).toEqual({ access_group: 'single', model_names: ['m-a'], deployment_count: 1 });
    expect(await get('/access_group/filed/info')).toEqual({ access_group: 'filed', model_names: ['m-b'], deployment_count: 1 });
    expect([await mayCall({ models: ['single'] }, 'm-a'), await mayCall({ models: ['single'] }, 'm-b'), await mayCall({ models: ['filed'] }, 'm-b')]).toEqual([true, false, true]);
    await put('POST', '/model/new', { model_name: 'tagged', litellm_params: params(upstream.url), model_info: { id: 'tagged', access_groups: ['tag', 'other'], ...free } });
    const key = await gateway.createKey({ models: ['tag'] });
    expect(await calls(key, 'tagged')).toBe(true);
    await put('PUT', '/access_group/tag/update', { model_names: ['m-a'] });
    expect([await calls(key, 'tagged'), await calls(key, 'm-a')]).toEqual([false, true]);
    expect((await get('/model/info?litellm_model_id=tagged')).data[0].model_info.access_groups).toEqual(['other']);
    expect(await put('DELETE', '/access_group/tag/delete')).toMatchObject({ access_group: 'tag', models_updated: 1 });
    expect(await calls(key, 'm-a')).toBe(false);
  }); // prettier-ignore

  it('is made once, however many make it at once', async () => {
    const make = () => admin('POST', '/v1/access_group', { access_group_name: 'once' });
    const statuses = (await Promise.all(Array.from({ length: 6 }, make))).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([201, 409, 409, 409, 409, 409]);
  });

  it('limits what a key may pass on', async () => {
    const { access_group_id } = await put('POST', '/v1/access_group', { access_group_name: 'passed', access_model_names: ['m-a'] });
    await put('POST', '/user/new', { user_id: 'passer', auto_create_key: false });
    const key = await gateway.createKey({ user_id: 'passer', access_group_ids: [access_group_id] });
    const generate = (body: object) => gateway.as(key, 'POST', '/key/generate', body);
    expect((await generate({ models: ['m-b'] })).status).toBe(403);
    const child = (await generate({})).body.key as string;
    expect([await calls(child, 'm-a'), await calls(child, 'm-b')]).toEqual([true, false]);
    expect((await generate({ access_group_ids: [access_group_id] })).body.error).toMatchObject({ code: '403', param: 'access_group_ids' });
  }); // prettier-ignore
});

describe('a model', () => {
  it('that changes answers so from the next call on, and keeps its secrets', async () => {
    await put('POST', '/model/new', { model_name: 'moving', litellm_params: { ...params(upstream.url), api_key: 'sk-first' }, model_info: { id: 'moving-1', ...free } });
    const key = await gateway.createKey({});
    const lastKey = async () => {
      await calls(key, 'moving');
      const { headers, model } = upstream.calls.at(-1)!;
      return [model, headers.authorization];
    };
    expect(await lastKey()).toEqual(['up', 'Bearer sk-first']);
    const changed = await admin('PATCH', '/model/moving-1/update', { litellm_params: { model: 'openai/up-2' } });
    expect(changed.text).not.toContain('sk-first');
    expect(await lastKey()).toEqual(['up-2', 'Bearer sk-first']);
    await put('PATCH', '/model/moving-1/update', { litellm_params: { api_key: 'sk-second' } });
    expect(await lastKey()).toEqual(['up-2', 'Bearer sk-second']);
    await put('PATCH', '/model/moving-1/update', { blocked: true });
    expect(await calls(key, 'moving')).toBe(false);
    await put('PATCH', '/model/moving-1/update', { blocked: false, model_name: 'moved' });
    expect([await calls(key, 'moving'), await calls(key, 'moved')]).toEqual([false, true]);
  }); // prettier-ignore

  it('of a team is its team’s alone, under its own name, whatever the team’s list says', async () => {
    await put('POST', '/team/new', { team_id: 'owner', models: ['m-b'] });
    await put('POST', '/team/new', { team_id: 'other' });
    const deployment = await put('POST', '/model/new', { model_name: 'm-a', litellm_params: { ...params(upstream.url), model: 'openai/own' }, model_info: { id: 'own', team_id: 'owner', ...free } });
    expect(deployment).toMatchObject({ model_name: 'm-a', model_info: { team_id: 'owner', team_public_model_name: 'm-a' } });
    const [owner, other, nobodys] = [await gateway.createKey({ team_id: 'owner' }), await gateway.createKey({ team_id: 'other' }), await gateway.createKey({})];
    const served = async (key: string, model = 'm-a') => ((await calls(key, model)) ? upstream.calls.at(-1)!.model : null);
    expect([await served(owner), await served(other), await served(nobodys)]).toEqual(['own', 'up', 'up']);
    expect(await mayCall({ team_id: 'owner', models: ['m-b'] }, 'm-a')).toBe(false);
    expect(await mayCall({ team_id: 'owner', models: ['m-a'] }, 'm-a')).toBe(true);
    await put('PATCH', '/model/own/update', { model_name: 'only-ours' });
    expect([await served(owner, 'only-ours'), await served(owner), await served(other, 'only-ours'), await served(nobodys, 'only-ours')]).toEqual(['own', null, null, null]);
    const names = async (key: string) => ((await gateway.as(key, 'GET', '/v1/models')).body.data as { id: string }[]).map(({ id }) => id);
    expect(await names(owner)).toEqual(['m-b', 'only-ours']);
    for (const key of [other, nobodys]) {
      expect((await names(key)).filter((name) => /only-ours|model_name_/.test(name))).toEqual([]);
    }
    expect((await get('/model/info?team_id=owner')).data).toMatchObject([{ model_name: 'only-ours' }]);
    expect((await get('/v2/model/info?teamId=owner')).total_count).toBe(1);
    await put('POST', '/team/delete', { team_ids: ['owner'] });
    expect([await served(other, 'only-ours'), await served(nobodys, 'only-ours')]).toEqual([null, null]);
    await put('POST', '/team/new', { team_id: 'owner', models: ['m-b'] });
    const anew = await gateway.createKey({ team_id: 'owner' });
    expect(await served(anew, 'only-ours')).toBe('own');
    await put('POST', '/model/delete', { id: 'own' });
    expect(await served(anew, 'only-ours')).toBeNull();
  }); // prettier-ignore

  it('tells what it can and costs', async () => {
    const { data } = await get('/model_group/info');
    expect((data as { model_group: string }[]).map(({ model_group }) => model_group).slice(0, 3)).toEqual(['m-a', 'm-b', 'm-c']);
    expect((await get('/model_group/info?model_group=m-c')).data).toEqual([
      expect.objectContaining({ model_group: 'm-c', providers: ['openai'], mode: 'chat', max_input_tokens: 9_000, input_cost_per_token: 1.5e-7, output_cost_per_token: 6e-7, supports_vision: true, supports_reasoning: null }),
    ]);
    expect((await get('/model_group/info?model_group=nobody')).data).toEqual([]);
  }); // prettier-ignore
});
