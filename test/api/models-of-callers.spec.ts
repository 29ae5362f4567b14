import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves what callers who are no admins learn about models: those they may call, and nothing about where they are. */

const FREE = { input_cost_per_token: 0, output_cost_per_token: 0 };
const NOTE = 'note-of-the-operator';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const at = (name: string) => ({ model: name });
  gateway = await Gateway.start({
    config: {
      model_list: [
        model('m-a', upstream.url, { ...FREE, access_groups: ['grouped'], note: NOTE, support_url: NOTE }),
        model('m-b', upstream.url, { input_cost_per_token: 0.000001, output_cost_per_token: 0.000002, mode: 'chat', supports_vision: true }, { rpm: 7 }),
        model('m-limited', upstream.url, { ...FREE, max_output_tokens: 50 }),
        model('m-checks-paid', upstream.url, { mode: 'moderation' }),
        model('m-checks', upstream.url, { ...FREE, mode: 'moderation' }),
        model('openai/*', upstream.url, { max_input_tokens: undefined, max_output_tokens: undefined }, at('openai/*')),
      ],
    },
  });
  await gateway.create('/team/new', { team_id: 'owner', models: ['m-b'] });
  await gateway.create('/team/new', { team_id: 'other', models: ['m-b'] });
  await gateway.create('/model/new', {
    model_name: 'only-ours',
    litellm_params: { model: 'openai/up-ours', api_base: upstream.url, api_key: 'sk-provider-of-ours', ...FREE },
    model_info: { id: 'own', team_id: 'owner' },
  });
}); // prettier-ignore
afterAll(() => closeAll(gateway, upstream));

const get = async (key: string, path: string) => (await gateway.as(key, 'GET', path)).body;
const listed = async (key: string) =>
  ((await get(key, '/v1/models')).data as { id: string }[]).map(({ id }) => id);
const described = async (key: string) =>
  ((await get(key, '/model/info')).data as { model_name: string }[]).map(({ model_name }) => model_name);
const groups = async (key: string) =>
  ((await get(key, '/model_group/info')).data as { model_group: string }[]).map(
    ({ model_group }) => model_group,
  );

describe('/model/info and /model_group/info', () => {
  it.each<[string, object]>([
    ['a key for two models', { models: ['m-a', 'm-b'] }],
    ['a key for a group', { models: ['grouped'] }],
    ['a key with an alias', { models: ['m-a'], aliases: { mine: 'm-a' } }],
    ['a key of the team with a model of its own', { team_id: 'owner' }],
    ['a key of another team', { team_id: 'other' }],
    ['a key for a wildcard', { models: ['openai/gpt-4o*'] }],
    ['a key with a budget', { models: ['m-a', 'm-checks-paid'], max_budget: 1 }],
  ])('show %s what /v1/models lists', async (_, fields) => {
    const key = await gateway.createKey(fields);
    const names = await listed(key);
    expect(names.length).toBeGreaterThan(0);
    expect([...new Set(await described(key))]).toEqual(names);
    expect(await groups(key)).toEqual(names);
    const [first] = (await get(key, '/v1/model/info')).data;
    expect(first.model_name).toBe(names[0]);
    for (const name of names)
      expect(await get(key, `/model_group/info?model_group=${name}`)).toMatchObject({ data: [{ model_group: name }] });
  }); // prettier-ignore

  it('tell sizes, prices and abilities', async () => {
    const key = await gateway.createKey({ models: ['m-b', 'openai/gpt-4o'] });
    const { data } = await get(key, '/model/info');
    expect(data).toEqual([
      {
        model_name: 'm-b',
        litellm_params: { model: 'openai/up-m-b' },
        model_info: {
          id: 'd-m-b',
          db_model: false,
          key: 'up-m-b',
          litellm_provider: 'openai',
          mode: 'chat',
          max_tokens: 100_000,
          max_input_tokens: 100_000,
          max_output_tokens: 100_000,
          input_cost_per_token: 0.000001,
          output_cost_per_token: 0.000002,
          supports_vision: true,
          rpm: 7,
        },
      },
      {
        model_name: 'openai/gpt-4o',
        litellm_params: { model: 'openai/gpt-4o' },
        model_info: expect.objectContaining({
          id: 'd-openai/*',
          mode: 'chat',
          max_output_tokens: 16_384,
          input_cost_per_token: 0.0000025,
          output_cost_per_token: 0.00001,
          supports_vision: true,
          supports_function_calling: true,
        }),
      },
    ]);
    const group = await get(key, '/model_group/info?model_group=openai/gpt-4o');
    expect(group.data).toEqual([expect.objectContaining({ mode: 'chat', max_output_tokens: 16_384, supports_vision: true, supports_function_calling: true })]); // prettier-ignore
  });

  it('tell proxy admins the same beside what is configured, and nothing of a wildcard’s models', async () => {
    const { data } = (await gateway.admin('GET', '/v2/model/info')).body as unknown as {
      data: { model_name: string; model_info: Record<string, unknown> }[];
    };
    const infoOf = (name: string) => data.find(({ model_name }) => model_name === name)!.model_info;
    expect(infoOf('m-b')).toMatchObject({ litellm_provider: 'openai', max_input_tokens: 100_000, max_tokens: 100_000, input_cost_per_token: 0.000001 }); // prettier-ignore
    expect(infoOf('openai/*')).not.toHaveProperty('input_cost_per_token');
    const id = 'd-known';
    await gateway.create('/model/new', {
      model_name: 'm-known',
      litellm_params: { model: 'openai/gpt-4o', api_base: upstream.url, api_key: 'sk-provider' },
      model_info: { id, max_output_tokens: 77 },
    });
    const [known] = (await gateway.admin('GET', `/model/info?litellm_model_id=${id}`)).body
      .data as unknown as typeof data;
    await gateway.create('/model/delete', { id });
    expect(known!.model_info).toMatchObject({
      id,
      mode: 'chat',
      max_output_tokens: 77,
      input_cost_per_token: 0.0000025,
      output_cost_per_token: 0.00001,
      cache_read_input_token_cost: 0.00000125,
      input_cost_per_token_priority: 0.00000425,
      search_context_cost_per_query: { search_context_size_low: 0.025 },
      supports_vision: true,
      price_sources: { input_cost_per_token: { source: 'litellm' }, search_context_cost_per_query: { source: 'tollgate', text: expect.any(String) } },
    });
    expect(infoOf('m-b').price_sources).toEqual({ input_cost_per_token: { source: 'file' }, output_cost_per_token: { source: 'file' } });
  }); // prettier-ignore

  it('tell which source a price is from to proxy admins only', async () => {
    const key = await gateway.createKey();
    for (const path of ['/model/info', '/model_group/info']) {
      expect((await gateway.admin('GET', path)).text).toContain('price_sources');
      expect((await gateway.as(key, 'GET', path)).text).not.toMatch(/price_sources|genai-prices|tollgate/);
    }
    const { body } = await gateway.admin('GET', '/model_group/info?model_group=openai/gpt-4o');
    expect(body.data[0].price_sources).toEqual({
      input_cost_per_token: { source: 'litellm' },
      output_cost_per_token: { source: 'litellm' },
    });
  });

  it('say no ability of a model in no table but those that are configured', async () => {
    const key = await gateway.createKey();
    const groupOf = async (name: string) => (await get(key, `/model_group/info?model_group=${name}`)).data[0];
    expect(await groupOf('m-a')).toMatchObject({ mode: null, supports_vision: null, supports_web_search: null });
    expect(await groupOf('m-b')).toMatchObject({ supports_vision: true, supports_function_calling: null });
    expect(await groupOf('openai/gpt-3.5-turbo')).toMatchObject({ supports_function_calling: true, supports_vision: false });
  }); // prettier-ignore

  it('show an address, a credential or a note of the operator only to proxy admins', async () => {
    const key = await gateway.createKey();
    const team = await gateway.createKey({ team_id: 'owner' });
    for (const path of ['/model/info', '/v1/model/info', '/model_group/info'])
      for (const by of [key, team]) {
        const { status, text } = await gateway.as(by, 'GET', path);
        expect(status).toBe(200);
        expect(text).not.toMatch(
          new RegExp(`127\\.0\\.0\\.1|api_base|sk-provider|${NOTE}|grouped|team_id|model_name_`),
        );
      }
    const { text } = await gateway.admin('GET', '/model/info');
    expect(text).toContain(upstream.url);
    expect(text).toContain(NOTE);
  });

  it('hide models of other teams', async () => {
    const [owner, other, nobodys] = await Promise.all([
      gateway.createKey({ team_id: 'owner' }),
      gateway.createKey({ team_id: 'other' }),
      gateway.createKey(),
    ]);
    const one = async (key: string, query: string) => {
      const { status, body } = await gateway.as(key, 'GET', `/model/info?${query}`);
      return [status, body.data?.map(({ model_name }: { model_name: string }) => model_name)];
    };
    expect(await one(owner, 'litellm_model_id=own')).toEqual([200, ['only-ours']]);
    expect(await one(owner, 'team_id=owner')).toEqual([200, ['only-ours']]);
    for (const key of [other, nobodys]) {
      expect((await one(key, 'litellm_model_id=own'))[0]).toBe(403);
      expect((await one(key, 'litellm_model_id=nobodys'))[0]).toBe(403);
      expect(await one(key, 'team_id=owner')).toEqual([200, []]);
      expect(await get(key, '/model_group/info?model_group=only-ours')).toEqual({ data: [] });
    }
  });

  it('are for keys whose routes they are', async () => {
    const status = async (allowed_routes: string[]) =>
      (await gateway.as(await gateway.createKey({ allowed_routes }), 'GET', '/model/info')).status;
    expect(await status(['info_routes'])).toBe(200);
    expect(await status(['/v1/chat/completions'])).toBe(403);
    expect((await gateway.send('GET', '/model/info')).status).toBe(401);
  });
});

describe('a wildcard', () => {
  it('lists the known models that it serves, as far as the key may call them', async () => {
    const all = await listed(await gateway.createKey());
    expect(all).toEqual(expect.arrayContaining(['m-a', 'openai/gpt-4o', 'openai/text-embedding-3-small']));
    expect(all.filter((name) => name.includes('*'))).toEqual([]);
    const key = await gateway.createKey({ models: ['openai/gpt-4o*'] });
    const own = await listed(key);
    expect(own).toEqual(all.filter((name) => name.startsWith('openai/gpt-4o')));
    expect((await gateway.as(key, 'GET', '/v1/models/openai/gpt-4o')).body).toMatchObject({ id: 'openai/gpt-4o', owned_by: 'openai' }); // prettier-ignore
    expect((await gateway.as(key, 'GET', '/v1/models/openai/gpt-5')).status).toBe(404);
    expect((await gateway.chat(key, { model: own[0]!, max_tokens: 1 })).status).toBe(200);
  });
});

describe('a moderation without a model', () => {
  const moderate = (key: string, fields: object = {}) =>
    gateway.as(key, 'POST', '/v1/moderations', { input: 'Is this all right?', ...fields });

  it.each<[string, object, string]>([
    ['of any key', {}, 'up-m-checks'],
    ['of a key for one of them', { models: ['m-a', 'm-checks-paid'] }, 'up-m-checks-paid'],
    ['of a key for a wildcard', { models: ['openai/*'] }, 'omni-moderation-latest'],
    ['of a key with a budget', { max_budget: 1 }, 'up-m-checks'],
  ])('%s gets the first for moderation that it may call', async (_, fields, called) => {
    const { status } = await moderate(await gateway.createKey(fields));
    expect(status).toBe(200);
    expect(upstream.calls.at(-1)).toMatchObject({ model: called, body: { model: called, input: 'Is this all right?' } }); // prettier-ignore
  });

  it('may say so with null', async () => {
    expect((await moderate(await gateway.createKey(), { model: null })).status).toBe(200);
    expect(upstream.calls.at(-1)!.body).toEqual({ model: 'up-m-checks', input: 'Is this all right?' });
  });

  it('is refused if there is none for the key', async () => {
    const calls = upstream.calls.length;
    const { status, body } = await moderate(await gateway.createKey({ models: ['m-a'] }));
    expect([status, body.error.param, upstream.calls.length]).toEqual([400, 'model', calls]);
  });
});

describe('max_tokens: -1', () => {
  it('sets no limit: it is forwarded, and replaced where a budget applies', async () => {
    const forwarded = async (fields: object) => {
      const key = await gateway.createKey(fields);
      const { status } = await gateway.chat(key, { model: 'm-limited', max_tokens: -1 });
      const { max_tokens } = upstream.calls.at(-1)!.body;
      return [status, max_tokens];
    };
    upstream.behave = () => ({ completionTokens: 3 });
    expect(await forwarded({})).toEqual([200, -1]);
    const key = await gateway.createKey({ max_budget: 1 });
    expect((await gateway.chat(key, { model: 'm-b', max_tokens: -1 })).status).toBe(200);
    expect(upstream.calls.at(-1)!.body.max_tokens).toBe(100_000);
    expect((await gateway.chat(key, { model: 'm-b', max_tokens: -2 })).status).toBe(400);
    upstream.behave = () => ({});
  });
});
