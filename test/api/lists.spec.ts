import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that lists mean what they say: of models, of groups, of routes. Limits that the gateway does not enforce are refused. */

const free = { input_cost_per_token: 0, output_cost_per_token: 0 };
const cheap = { input_cost_per_token: 0, output_cost_per_token: 0.000_01 };
const dear = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
let upstream: Upstream;
let gateway: Gateway;
let nextId = 0;
const freshId = () => `lists-${nextId++}`;

beforeAll(async () => {
  upstream = await Upstream.start();
  const { url } = upstream;
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('gpt-4o', url, free),
        model('mini', url, free),
        model('up-same', url, free, { model: 'openai/up-same' }),
        model('claimed', url, free),
        model('claimed[1m]', url, { ...free, id: 'claimed-long' }),
        model('dup', url, { ...cheap, id: 'dup-eu', access_groups: ['eu'], max_output_tokens: 1_000 }, { model: 'openai/dup-eu' }),
        model('dup', url, { ...dear, id: 'dup-us', access_groups: ['us'] }, { model: 'openai/dup-us' }),
        model('dup', url, { ...cheap, id: 'dup-us-2', access_groups: ['us', 'fast'] }, { model: 'openai/dup-us-2' }),
        model('w/*', url, { ...free, id: 'w-eu', access_groups: ['eu'] }, { model: 'openai/w-eu-*' }),
        model('w/*', url, { ...free, id: 'w-us', access_groups: ['us'] }, { model: 'openai/w-us-*' }),
        model('fails', url, { ...free, access_groups: ['eu'] }),
        model('claude-*', url, { ...free, access_groups: ['pub'] }),
        model('claude-private', url, { ...free, access_groups: ['priv'] }),
        model('credited', url, free, { litellm_credential_name: 'cred1' }),
      ],
      router_settings: { fallbacks: [{ fails: ['dup'] }], num_retries: 2 },
    },
  });
}); // prettier-ignore
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.behave = () => ({});
});

/** Calls `times` times. Returns the statuses and the upstream models that were called. */
async function called(key: string, name: string, times = 12, body: object = {}) {
  const before = upstream.calls.length;
  const statuses = new Set<number>();
  for (let i = 0; i < times; i++)
    statuses.add((await gateway.chat(key, { model: name, max_tokens: 5, ...body })).status);
  return { statuses: [...statuses], models: [...new Set(upstream.calls.slice(before).map((call) => call.model))].toSorted() };
} // prettier-ignore
const listed = async (key: string) =>
  ((await gateway.as(key, 'GET', '/v1/models')).body.data as { id: string }[]).map(({ id }) => id);
const statusOf = async (path: string, body: object) => (await gateway.admin('POST', path, body)).status;

describe('a user’s list', () => {
  it.each([
    [['no-default-models'], 403, 200],
    [['no-default-models', 'gpt-4o'], 403, 200],
    [['no-default-models', '*'], 403, 200],
    [['all-team-models'], 403, 200],
    [['mini', 'all-team-models'], 403, 200],
    [['mini'], 403, 403],
    [[], 200, 200],
  ])('%j: a personal key %i, a team’s key %i, as they are listed', async (models, personal, ofTeam) => {
    const id = freshId();
    await gateway.create('/user/new', { user_id: id, models, auto_create_key: false });
    await gateway.create('/team/new', { team_id: id, models: ['gpt-4o'], members_with_roles: [{ user_id: id, role: 'user' }] });
    const keys = [await gateway.createKey({ user_id: id }), await gateway.createKey({ user_id: id, team_id: id })];
    for (const [i, expected] of [personal, ofTeam].entries()) {
      expect((await gateway.chat(keys[i]!, { model: 'gpt-4o' })).status).toBe(expected);
      expect((await listed(keys[i]!)).includes('gpt-4o')).toBe(expected === 200);
    }
  }); // prettier-ignore

  it('a key without team that leaves its models to the team may call none', async () => {
    const key = await gateway.createKey({ models: ['all-team-models'] });
    expect((await gateway.chat(key, { model: 'gpt-4o' })).body.error.type).toBe('key_model_access_denied');
    expect(await listed(key)).toEqual([]);
  });

  it('a member with `no-default-models` makes a key of the team with a model of the team', async () => {
    const id = freshId();
    await gateway.create('/user/new', { user_id: id, models: ['no-default-models'], auto_create_key: false, user_role: 'internal_user' });
    await gateway.create('/team/new', { team_id: id, models: ['gpt-4o'], members_with_roles: [{ user_id: id, role: 'user' }], team_member_permissions: ['/key/generate'] });
    const own = await gateway.createKey({ user_id: id });
    const createKey = (more: object) => gateway.as(own, 'POST', '/key/generate', { models: ['gpt-4o'], ...more });
    expect((await createKey({ team_id: id })).status).toBe(200);
    expect((await createKey({})).status).toBe(403);
  }); // prettier-ignore

  it('`user_models_on_team_keys: false`: it is not asked on keys of a team', async () => {
    const other = await Gateway.start({
      config: {
        model_list: [model('gpt-4o', upstream.url, free, { mock_response: 'x' })],
        general_settings: { user_models_on_team_keys: false },
      },
    });
    try {
      await other.create('/user/new', { user_id: 'u', models: ['mini'], auto_create_key: false });
      await other.create('/team/new', { team_id: 't', models: ['gpt-4o'], members_with_roles: [{ user_id: 'u', role: 'user' }] });
      const [own, ofTeam] = [await other.createKey({ user_id: 'u' }), await other.createKey({ user_id: 'u', team_id: 't' })];
      expect((await other.chat(own, { model: 'gpt-4o' })).status).toBe(403);
      expect((await other.chat(ofTeam, { model: 'gpt-4o' })).status).toBe(200);
    } finally {
      await other.close();
    }
  }); // prettier-ignore
});

describe('a caller let in by access groups alone is served by their deployments', () => {
  it.each([
    [['eu'], ['dup-eu']],
    [['us'], ['dup-us', 'dup-us-2']],
    [['fast'], ['dup-us-2']],
    [
      ['eu', 'fast'],
      ['dup-eu', 'dup-us-2'],
    ],
    [
      ['eu', 'dup'],
      ['dup-eu', 'dup-us', 'dup-us-2'],
    ],
    [
      ['eu', 'du*'],
      ['dup-eu', 'dup-us', 'dup-us-2'],
    ],
    [
      ['eu', 'all-proxy-models'],
      ['dup-eu', 'dup-us', 'dup-us-2'],
    ],
  ])('key %j: %j', async (models, served) => {
    const key = await gateway.createKey({ models });
    expect(await called(key, 'dup', 25)).toEqual({ statuses: [200], models: served });
  });

  it('with several such levels, by those that satisfy each; by none, the call is refused and the name not listed', async () => {
    const id = freshId();
    await gateway.create('/team/new', { team_id: id, models: ['us'] });
    const fast = await gateway.createKey({ team_id: id, models: ['eu', 'fast'] });
    expect(await called(fast, 'dup')).toEqual({ statuses: [200], models: ['dup-us-2'] });
    const none = await gateway.createKey({ team_id: id, models: ['eu'] });
    const refused = await gateway.chat(none, { model: 'dup' });
    expect([refused.status, refused.body.error.type]).toEqual([403, 'team_model_access_denied']);
    expect(await listed(none)).not.toContain('dup');
    expect(await listed(fast)).toContain('dup');
  });

  it('so for wildcards, fallbacks and retries', async () => {
    const key = await gateway.createKey({ models: ['eu'] });
    expect(await called(key, 'w/one')).toEqual({ statuses: [200], models: ['w-eu-one'] });
    upstream.behave = ({ model: name }) => (name === 'up-fails' ? { status: 500 } : {});
    expect(await called(key, 'fails', 6)).toEqual({ statuses: [200], models: ['dup-eu', 'up-fails'] });
    expect(await called(key, 'fails', 6, { fallbacks: ['dup'] })).toEqual({ statuses: [200], models: ['dup-eu', 'up-fails'] });
    upstream.behave = () => ({ status: 500 });
    const { models } = await called(key, 'dup', 3);
    expect(models).toEqual(['dup-eu']);
  }); // prettier-ignore

  it('the bound is that of the deployments the call can reach', async () => {
    // 1,000 tokens cost a cent at $0.00001. At $0.001, which only the other deployments cost, they cost a dollar.
    const clampOf = async (models: string[]) => {
      const key = await gateway.createKey({ models, max_budget: 0.5 });
      return (await gateway.chat(key, { model: 'dup', max_tokens: 1_000 })).headers['x-tollgate-clamped'];
    };
    expect([(await clampOf(['eu'])) === undefined, (await clampOf(['dup'])) === undefined]).toEqual([
      true,
      false,
    ]);
  });

  it('nobody makes a key by name for what a group alone gave', async () => {
    const id = freshId();
    await gateway.create('/user/new', { user_id: id, auto_create_key: false, user_role: 'internal_user' });
    const key = await gateway.createKey({ user_id: id, models: ['eu'] });
    const createKey = (models: string[]) => gateway.as(key, 'POST', '/key/generate', { models });
    expect((await createKey(['dup'])).status).toBe(403);
    expect((await createKey(['eu'])).status).toBe(200);
    expect((await createKey(['fails'])).status).toBe(200);
  });
});

describe('routes', () => {
  it('a group of reports reads, and writes nothing', async () => {
    const id = freshId();
    await gateway.create('/user/new', { user_id: id, user_role: 'proxy_admin', auto_create_key: false });
    const reports = await gateway.createKey({ user_id: id, allowed_routes: ['global_spend_tracking_routes'] });
    expect((await gateway.as(reports, 'GET', '/global/spend')).status).toBe(200);
    expect((await gateway.as(reports, 'POST', '/global/spend/reset')).status).toBe(403);
    expect((await gateway.as(await gateway.createKey({ user_id: id }), 'POST', '/global/spend/reset')).status).toBe(403);
    expect((await gateway.admin('POST', '/global/spend/reset')).status).toBe(200);
  }); // prettier-ignore

  it.each([
    ['llm_api_routez', 422],
    ['chat/completions', 422],
    ['', 422],
    ['internal_user_routes', 200],
    ['master_key_only_routes', 200],
    ['mcp_routes', 200],
    ['openai_routes', 200],
    ['/anything/{x}', 200],
    ['/v1/*', 200],
    ['*', 200],
  ])('allowed_routes [%s]: %i', async (entry, status) => {
    const key = await gateway.createKey();
    for (const [path, body] of [
      ['/key/generate', {}],
      ['/key/update', { key }],
      ['/user/new', { auto_create_key: false }],
    ] as const) {
      const answer = await gateway.admin('POST', path, {
        ...body,
        allowed_routes: ['llm_api_routes', entry],
      });
      expect(answer.status).toBe(status);
      if (status === 422)
        expect(answer.body.error.details.fields).toMatchObject([{ field: 'allowed_routes' }]);
    }
  });
});

describe('names with blanks at their ends', () => {
  it.each(['claude-private ', ' claude-private', 'claude-private\u00a0', 'claude-private\u3000'])(
    'a call of %j is 400',
    async (name) => {
      const key = await gateway.createKey({ models: ['pub'] });
      const answer = await gateway.chat(key, { model: name });
      expect([answer.status, answer.body.error.param]).toEqual([400, 'model']);
      const path = `/engines/${encodeURIComponent(name)}/chat/completions`;
      expect((await gateway.as(key, 'POST', path, { messages: [] })).status).toBe(400);
      expect((await gateway.as(key, 'GET', `/v1/models/${encodeURIComponent(name)}`)).status).toBe(404);
      for (const fallbacks of [[name], [{ model: name }], [{ 'claude-x': [name] }]]) {
        const refused = await gateway.chat(key, { model: 'claude-x', fallbacks });
        expect([refused.status, refused.body.error.param]).toEqual([400, 'fallbacks']);
      }
    },
  );

  it('are 422 where they would be stored', async () => {
    const key = await gateway.createKey();
    const team_id = freshId();
    await gateway.create('/team/new', { team_id });
    for (const [path, body] of [
      ['/key/generate', { models: ['gpt-4o '] }],
      ['/key/update', { key, models: ['\tgpt-4o'] }],
      ['/key/generate', { aliases: { 'a ': 'gpt-4o' } }],
      ['/key/generate', { aliases: { a: 'gpt-4o ' } }],
      ['/key/generate', { model_max_budget: { 'gpt-4o ': 1 } }],
      ['/key/generate', { model_rpm_limit: { ' gpt-4o': 1 } }],
      ['/team/new', { models: [' gpt-4o'] }],
      ['/team/update', { team_id, model_aliases: { ' a': 'gpt-4o' } }],
      ['/team/model/add', { team_id, models: ['gpt-4o '] }],
      ['/user/new', { models: ['gpt-4o '] }],
      ['/organization/new', { organization_alias: 'o', models: ['gpt-4o '] }],
      ['/model/new', { model_name: 'gpt ', litellm_params: { model: 'openai/x' } }],
      ['/access_group/new', { access_group: 'g ', model_names: ['gpt-4o'] }],
      ['/v1/access_group', { access_group_name: ' g' }],
      ['/v1/access_group', { access_group_name: 'g', access_model_names: ['gpt-4o '] }],
    ] as const)
      expect([path, body, await statusOf(path, body)]).toEqual([path, body, 422]);
  });
});

describe('the model that is meant', () => {
  const askedFor = async (key: string, path: string, body: object) => {
    const before = upstream.calls.length;
    const { status } = await gateway.as(key, 'POST', path, body);
    return [status, ...upstream.calls.slice(before).map((call) => call.model)];
  };
  const chat = { max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] };

  it.each(['/v1/chat/completions', '/v1/responses'])('at %s a suffix [1m] is taken off a served name', async (path) => {
    const key = await gateway.createKey({ models: ['gpt-4o', 'long'], aliases: { long: 'gpt-4o' } });
    const body = path.endsWith('responses') ? { input: 'hi', max_output_tokens: 16 } : chat;
    for (const name of ['gpt-4o[1m]', 'gpt-4o[1M]', 'long[1m]'])
      expect([name, ...(await askedFor(key, path, { ...body, model: name }))]).toEqual([name, 200, 'up-gpt-4o']);
    expect(await askedFor(key, path, { ...body, model: 'up-same[1m]' })).toEqual([403]);
    expect(await askedFor(key, path, { ...body, model: 'mini[1m]' })).toEqual([403]);
    expect(await askedFor(key, path, { ...body, model: 'gpt-4o[2m]' })).toEqual([403]);
  }); // prettier-ignore

  it('the whole name is gone also where the upstream calls the model as we do, and is kept where it is served', async () => {
    const key = await gateway.createKey();
    expect(await askedFor(key, '/v1/chat/completions', { ...chat, model: 'up-same[1m]' })).toEqual([200, 'up-same']);
    expect(await askedFor(key, '/v1/chat/completions', { ...chat, model: 'claimed[1m]' })).toEqual([200, 'up-claimed[1m]']);
    expect(await askedFor(key, '/v1/embeddings', { input: 'x', model: 'gpt-4o[1m]' })).toEqual([400]);
  }); // prettier-ignore

  it.each([{}, { model: 'mini' }, { model: null }, { model: '' }, { model: 'up-same' }, { model: 'nobody' }])(
    'on /openai/deployments/… the path is the model, whatever a body of %j says',
    async (body) => {
      const key = await gateway.createKey({ models: ['up-same'] });
      expect(await askedFor(key, '/openai/deployments/up-same/chat/completions', { ...chat, ...body })).toEqual([200, 'up-same']);
      expect((await askedFor(key, '/openai/deployments/mini/chat/completions', { ...chat, ...body }))[0]).toBe(403);
      const { status } = await gateway.as(key, 'POST', '/openai/deployments/up-same/chat/completions', undefined);
      expect(status).toBe(400);
    },
  ); // prettier-ignore
});

describe('what would limit and is not enforced here', () => {
  const REFUSED = [
    ['project_id', 'p1', ['', null]],
    ['agent_id', 'a1', [null]],
    ['tag_rpm_limit', { a: 1 }, [{}, null]],
    ['end_user_budget_id', 'b1', [null, '']],
    ['allowed_ips', ['10.0.0.1'], [[], null]],
    ['denied_passthrough_routes', ['/x'], [[], null]],
    ['object_permission', { vector_stores: ['vs1'] }, [{}, { vector_stores: [] }, { mcp_servers: null }, null]],
    ['tpd_limit', 5, [null]],
    ['model_itpm_limit', { 'gpt-4o': 3 }, [{}, null]],
    ['require_trace_id', true, [false, null]],
    ['metadata', { allowed_tools: ['good'] }, [{ allowed_tools: [] }, { a: 1 }, {}, null]],
    ['metadata', { require_trace_id: true }, [{ require_trace_id: false }]],
    ['metadata', { tag_rpm_limit: { a: 1 } }, [{ tag_rpm_limit: {} }]],
    ['metadata', { end_user_budget_id: 'b' }, [{ end_user_budget_id: null }]],
  ] as const; // prettier-ignore

  it.each(REFUSED)('%s %j is 422 on keys, teams, users and organizations; %j passes', async (field, value, passing) => {
    const id = freshId();
    const key = await gateway.createKey();
    await gateway.create('/team/new', { team_id: id });
    const doors = [
      ['/key/generate', {}],
      ['/key/update', { key }],
      ['/key/regenerate', { key: await gateway.createKey() }],
      ['/team/new', {}],
      ['/team/update', { team_id: id }],
      ['/user/new', { auto_create_key: false }],
      ['/organization/new', { organization_alias: freshId() }],
    ] as const;
    for (const [path, body] of doors) {
      const { status, body: answer } = await gateway.admin('POST', path, { ...body, [field]: value });
      expect([path, status, answer.error?.details?.fields?.[0]?.field]).toEqual([path, 422, field]);
    }
    for (const [path, body] of doors.filter(([path]) => path !== '/key/regenerate'))
      for (const empty of passing)
        expect([path, empty, await statusOf(path, { ...body, [field]: empty })]).toEqual([path, empty, 200]);
  }); // prettier-ignore

  it('each of many keys is refused for itself', async () => {
    const key = await gateway.createKey();
    expect(await statusOf('/key/bulk_update', { keys: [{ key, project_id: 'p1' }] })).toBe(422);
  });

  it.each([
    ['/customer/new', { models: ['mini'] }, 422],
    ['/customer/new', { models: [] }, 200],
    ['/customer/new', { models: null }, 200],
    ['/customer/new', { allowed_model_region: 'eu' }, 422],
    ['/customer/new', { allowed_model_region: null }, 200],
    ['/customer/new', { object_permission: { vector_stores: ['v'] } }, 422],
    ['/customer/new', { tpd_limit: 1 }, 422],
    ['/budget/new', { tpd_limit: 1 }, 422],
    ['/budget/new', { tpd_limit: null }, 200],
  ])('%s %j: %i', async (path, body, status) => {
    expect(await statusOf(path, { user_id: freshId(), budget_id: path === '/budget/new' ? freshId() : undefined, ...body })).toBe(status);
  }); // prettier-ignore

  it('a limit per model of a member is 422', async () => {
    const [team_id, user_id] = [freshId(), freshId()];
    const member = { user_id, role: 'user' };
    await gateway.create('/team/new', { team_id });
    expect(await statusOf('/team/member_add', { team_id, member, model_max_budget: { mini: 1 } })).toBe(422);
    await gateway.create('/team/member_add', { team_id, member, model_max_budget: {} });
    expect(await statusOf('/team/member_update', { team_id, user_id, model_max_budget: { mini: 1 } })).toBe(
      422,
    );
    expect(await statusOf('/team/update', { team_id, team_member_model_max_budget: { mini: 1 } })).toBe(422);
  });

  it('a credential by name: the deployment of the file is left out, and 422 at /model/new and updates', async () => {
    const key = await gateway.createKey();
    expect((await gateway.chat(key, { model: 'credited' })).status).toBe(400);
    expect(await listed(key)).not.toContain('credited');
    const params = { model: 'openai/x', api_base: upstream.url };
    const deployment = (more: object) => ({ model_name: freshId(), litellm_params: { ...params, ...more }, model_info: free });
    expect(await statusOf('/model/new', deployment({ litellm_credential_name: 'cred1' }))).toBe(422);
    expect(await statusOf('/model/new', deployment({ litellm_credential_name: null }))).toBe(200);
    const { model_id } = await gateway.create('/model/new', deployment({}));
    const changed = await gateway.admin('PATCH', `/model/${model_id}/update`, { litellm_params: { litellm_credential_name: 'cred1' } });
    expect(changed.status).toBe(422);
  }); // prettier-ignore
});

describe('limits that LiteLLM keeps in metadata are enforced', () => {
  it.each([
    ['field of the key', { enforced_params: ['user', 'metadata.job'] }, {}, {}],
    ['metadata of the key', { metadata: { enforced_params: ['user', 'metadata.job'] } }, {}, {}],
    ['field of the team', {}, { enforced_params: ['user', 'metadata.job'] }, {}],
    ['metadata of the team', {}, { metadata: { enforced_params: ['user', 'metadata.job'] } }, {}],
    ['field of the user', {}, {}, { enforced_params: ['user', 'metadata.job'] }],
  ])('enforced_params, %s', async (_, ofKey, ofTeam, ofUser) => {
    const id = freshId();
    await gateway.create('/team/new', { team_id: id, ...ofTeam });
    await gateway.create('/user/new', { user_id: id, auto_create_key: false, ...ofUser });
    const key = await gateway.createKey({ team_id: id, user_id: id, ...ofKey });
    const missing = async (body: object) => {
      const { status, body: answer } = await gateway.chat(key, { model: 'gpt-4o', ...body });
      return status === 200 ? undefined : [status, answer.error.param];
    };
    expect(await missing({})).toEqual([400, 'user']);
    expect(await missing({ user: 'u' })).toEqual([400, 'metadata.job']);
    expect(await missing({ user: 'u', metadata: { a: 1 } })).toEqual([400, 'metadata.job']);
    expect(await missing({ user: 'u', metadata: { job: 'j' } })).toBeUndefined();
  });

  it('enforced_params stay when the metadata is written anew, and go over to keys made with the key', async () => {
    const id = freshId();
    await gateway.create('/user/new', { user_id: id, auto_create_key: false, user_role: 'internal_user' });
    const key = await gateway.createKey({ user_id: id, metadata: { enforced_params: ['user'] } });
    expect((await gateway.as(key, 'POST', '/key/update', { key, metadata: { a: 1 } })).status).toBe(200);
    expect((await gateway.chat(key, { model: 'gpt-4o' })).status).toBe(400);
    const { body } = await gateway.as(key, 'POST', '/key/generate', {});
    expect((await gateway.chat(body.key, { model: 'gpt-4o' })).status).toBe(400);
    expect((await gateway.chat(body.key, { model: 'gpt-4o', user: 'u' })).status).toBe(200);
  });

  it('a rate per model in metadata counts', async () => {
    const key = await gateway.createKey({ metadata: { model_rpm_limit: { 'gpt-4o': 1 } } });
    expect((await gateway.chat(key, { model: 'gpt-4o' })).status).toBe(200);
    expect((await gateway.chat(key, { model: 'gpt-4o' })).status).toBe(429);
  });

  it('`scim_active: false` of a user blocks his keys until it is true', async () => {
    const id = freshId();
    await gateway.create('/user/new', { user_id: id, auto_create_key: false });
    const key = await gateway.createKey({ user_id: id });
    const active = (scim_active: boolean) => gateway.create('/user/update', { user_id: id, metadata: { scim_active } });
    await active(false);
    expect((await gateway.chat(key, { model: 'gpt-4o' })).status).toBe(403);
    await active(true);
    expect((await gateway.chat(key, { model: 'gpt-4o' })).status).toBe(200);
  }); // prettier-ignore
});

describe('a name that is changed or deleted', () => {
  const added = async (model_name: string, model_info: object = {}) =>
    (
      await gateway.create('/model/new', {
        model_name,
        litellm_params: { model: 'openai/up', api_base: upstream.url, api_key: 'k', ...free },
        model_info,
      })
    ).model_id as string;
  const rename = (id: string, model_name: string) =>
    gateway.admin('PATCH', `/model/${id}/update`, { model_name });
  const status = async (key: string, name: string) =>
    (await gateway.chat(key, { model: name, max_tokens: 1 })).status;
  const modelsOf = async (key: string) =>
    (await gateway.admin('GET', `/key/info?key=${key}`)).body.info.models as string[];

  it('of a model: every list follows, and who makes one of the old name gives nobody access', async () => {
    const [id, old, next] = [freshId(), freshId(), freshId()];
    const modelId = await added(old);
    const organization_id = id;
    await gateway.create('/organization/new', { organization_id, organization_alias: id, models: [old] });
    await gateway.create('/team/new', { team_id: id, organization_id, models: [old], model_aliases: { quick: old } });
    await gateway.create('/user/new', { user_id: id, models: [old], teams: [id], auto_create_key: false });
    await gateway.create('/team/member_update', { team_id: id, user_id: id, allowed_models: [old] });
    const key = await gateway.createKey({ team_id: id, user_id: id, models: [old, 'mini'], model_rpm_limit: { [old]: 3 } });
    expect([await status(key, old), await status(key, 'quick')]).toEqual([200, 200]);
    expect((await rename(modelId, next)).status).toBe(200);
    expect([await status(key, next), await status(key, 'quick')]).toEqual([200, 200]);
    expect([await status(key, next), await status(key, next), await status(key, old)]).toEqual([200, 429, 403]);
    expect(await modelsOf(key)).toEqual([next, 'mini']);
    await added(old);
    expect(await status(key, old)).toBe(403);
    const { audit_logs } = (await gateway.admin('GET', '/audit?table_name=LiteLLM_VerificationToken&action=updated')).body;
    expect(JSON.stringify(audit_logs[0])).toContain(next);
  }); // prettier-ignore

  it('of one deployment of several: lists have both names', async () => {
    const [old, next] = [freshId(), freshId()];
    const modelId = await added(old);
    await added(old);
    const key = await gateway.createKey({ models: [old] });
    await rename(modelId, next);
    expect(await modelsOf(key)).toEqual([old, next]);
  });

  it('of a deleted model: the last name of a list leaves none', async () => {
    const old = freshId();
    const [first, second] = [await added(old), await added(old)];
    const group = await gateway.admin('POST', '/v1/access_group', { access_group_name: freshId(), access_model_names: [old] });
    const key = await gateway.createKey({ models: [old] });
    await gateway.create('/model/delete', { id: first });
    expect([await status(key, old), await modelsOf(key)]).toEqual([200, [old]]);
    await gateway.create('/model/delete', { id: second });
    expect(await modelsOf(key)).toEqual(['no-default-models']);
    const { body } = await gateway.admin('GET', `/v1/access_group/${group.body.access_group_id}`);
    expect(body.access_model_names).toEqual([]);
    await added(old);
    expect(await status(key, old)).toBe(403);
  }); // prettier-ignore

  it('of a group: lists follow its name, and lose it with the group', async () => {
    const [old, next] = [freshId(), freshId()];
    const { body } = await gateway.admin('POST', '/v1/access_group', { access_group_name: old, access_model_names: ['mini'] });
    const key = await gateway.createKey({ models: [old, 'gpt-4o'] });
    expect(await status(key, 'mini')).toBe(200);
    await gateway.admin('PUT', `/v1/access_group/${body.access_group_id}`, { access_group_name: next });
    expect([await status(key, 'mini'), await modelsOf(key)]).toEqual([200, [next, 'gpt-4o']]);
    await gateway.admin('DELETE', `/v1/access_group/${body.access_group_id}`);
    expect([await status(key, 'mini'), await modelsOf(key)]).toEqual([403, ['gpt-4o']]);
    await gateway.admin('POST', '/v1/access_group', { access_group_name: next, access_model_names: ['mini'] });
    expect(await status(key, 'mini')).toBe(403);
  }); // prettier-ignore

  it('of a team’s own model: the lists of others keep their name', async () => {
    const [id, old, next] = [freshId(), freshId(), freshId()];
    await gateway.create('/team/new', { team_id: id, models: [old] });
    const modelId = await added(old, { team_id: id });
    const [own, other] = [await gateway.createKey({ team_id: id, models: [old] }), await gateway.createKey({ models: [old] })];
    await rename(modelId, next);
    expect([await modelsOf(own), await modelsOf(other)]).toEqual([[next], [old]]);
    expect(await status(own, next)).toBe(200);
  }); // prettier-ignore

  it('of a deployment in a group by its id: a later one of that id is not in it', async () => {
    const [name, id, group] = [freshId(), freshId(), freshId()];
    await added(name, { id });
    await gateway.create('/access_group/new', { access_group: group, model_ids: [id] });
    const key = await gateway.createKey({ models: [group] });
    expect(await status(key, name)).toBe(200);
    await gateway.create('/model/delete', { id });
    await added(name, { id });
    expect(await status(key, name)).toBe(403);
  });
});
