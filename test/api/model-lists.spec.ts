import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { AzureOpenAI } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/**
 * Proves the lists of models that OpenAI's, Azure's and Anthropic's clients read. The sizes are LiteLLM's answers
 * (1.108.7); only of `embed` LiteLLM says 8,191 where OpenAI documents 8,192.
 */

const CREATED_AT = '2023-02-28T18:56:42Z';

let upstream: Upstream;
let gateway: Gateway;
let apiKey: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  const entry = (model_name: string, upstreamModel: string, model_info: object = {}) => ({
    model_name,
    litellm_params: { model: upstreamModel, api_key: 'sk-x', api_base: upstream.url },
    model_info,
  });
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        entry('fast', 'openai/gpt-4o-mini'),
        entry('claude', 'anthropic/claude-sonnet-4-5', { display_name: 'Claude the Great' }),
        entry('mixed', 'openai/gpt-4o-mini'),
        entry('mixed', 'anthropic/claude-sonnet-4-5'),
        entry('sized', 'openai/gpt-4o', { max_input_tokens: 1000, max_output_tokens: 50, mode: 'responses' }),
        entry('half-known', 'openai/gpt-4o-mini'),
        entry('half-known', 'openai/unheard-of'),
        entry('embed', 'openai/text-embedding-3-small'),
        entry('speech', 'openai/tts-1'),
        entry('unknown', 'openai/unheard-of'),
      ],
      litellm_settings: { fallbacks: [{ fast: ['sized', 'claude'] }] },
      router_settings: { model_group_alias: { quick: 'fast' } },
    },
  });
  apiKey = await gateway.createKey({ aliases: { mine: 'claude' } });
});
afterAll(() => closeAll(gateway, upstream));

interface Answer {
  object: string;
  type?: string;
  request_id?: string;
  data: { id: string; owned_by?: string; metadata?: object }[];
  error: { details: { request_id: string; fields: { field: string }[] } };
}

const list = async (key: string, query = '', version?: string) => {
  const response = await fetch(`${gateway.url}/v1/models${query}`, {
    headers: { authorization: `Bearer ${key}`, ...(version && { 'anthropic-version': version }) },
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
};

const SIZES: readonly [id: string, mode?: string, input?: number, output?: number][] = [
  ['fast', 'chat', 128_000, 16_384],
  ['claude', 'chat', 200_000, 64_000],
  ['mixed', 'chat', 200_000, 64_000],
  ['sized', 'responses', 1000, 50],
  ['half-known', 'chat', 128_000, 16_384],
  ['embed', 'embedding', 8192],
  ['speech', 'audio_speech'],
  ['unknown'],
  ['quick', 'chat', 128_000, 16_384],
  ['mine', 'chat', 200_000, 64_000],
];

describe('the list of OpenAI’s form', () => {
  it('says kind and sizes of every model, as far as they are known', async () => {
    const { body } = await list(apiKey);
    expect(body.object).toBe('list');
    expect(body.data.map((model) => ({ ...model, owned_by: undefined }))).toEqual(
      SIZES.map(([id, mode, input, output]) => ({
        id,
        object: 'model',
        created: 1_677_610_602,
        ...(mode && { mode }),
        ...(input && { max_input_tokens: input }),
        ...(output && { max_output_tokens: output }),
      })),
    );
    expect(body.data.at(-1)).toMatchObject({ id: 'mine', owned_by: 'anthropic' });
  });

  it('is what clients of OpenAI and Azure get, whole or one by one', async () => {
    const clients = [
      new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey }),
      new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey }),
      new AzureOpenAI({ endpoint: gateway.url, apiKey, apiVersion: '2025-04-01-preview' }),
    ];
    for (const client of clients) {
      const { data } = await client.models.list();
      expect(data.map(({ id }) => id)).toEqual(SIZES.map(([id]) => id));
      expect(await client.models.retrieve('sized')).toMatchObject({ id: 'sized', max_output_tokens: 50 });
      const answer = await client.responses.create({ model: 'fast', input: 'Hello!' });
      expect(answer.output_text).toBe('scripted answer');
    }
  });

  it('shows the fallbacks that the caller may call', async () => {
    const fallbacks = async (key: string, query: string) => {
      const { body } = await list(key, `?include_metadata=true${query}`);
      return body.data.find(({ id }) => id === 'fast')!.metadata;
    };
    expect(await fallbacks(apiKey, '')).toEqual({ fallbacks: ['sized', 'claude'] });
    expect(await fallbacks(apiKey, '&fallback_type=context_window')).toEqual({ fallbacks: [] });
    const narrow = await gateway.createKey({ models: ['fast', 'claude'] });
    expect(await fallbacks(narrow, '')).toEqual({ fallbacks: ['claude'] });
    const { status, body } = await list(apiKey, '?include_metadata=true&fallback_type=any');
    expect([status, body.error.details.fields[0]!.field]).toEqual([422, 'fallback_type']);
  });

  it('names what it cannot honour', async () => {
    const { status, headers } = await list(apiKey, '?only_model_access_groups=true&healthy_only=false');
    expect([status, headers.get('x-tollgate-ignored')]).toEqual([200, 'only_model_access_groups']);
    expect((await list(apiKey)).headers.get('x-tollgate-ignored')).toBeNull();
    await gateway.create('/team/new', { team_id: 'crew' });
    const member = await gateway.createKey({ team_id: 'crew' });
    expect((await list(member, '?team_id=crew&scope=expand')).status).toBe(200);
    const refused = [await list(member, '?team_id=other'), await list(apiKey, '?scope=all')];
    expect(refused.map(({ status: code, body }) => [code, body.error.details.fields[0]!.field])).toEqual([
      [422, 'team_id'],
      [422, 'scope'],
    ]);
  });
});

describe('the list of Anthropic’s form', () => {
  const client = (key = apiKey) => new Anthropic({ baseURL: gateway.url, apiKey: key, maxRetries: 0 });
  const all = SIZES.map(([id]) => id);

  it('has its members, of all models', async () => {
    const { body } = await list(apiKey, '', '2023-06-01');
    const shown: Record<string, string> = { claude: 'Claude the Great', mine: 'Claude the Great' };
    expect(body).toEqual({
      data: SIZES.map(([id, , input = null, output = null]) => ({
        type: 'model',
        id,
        display_name: shown[id] ?? id,
        created_at: CREATED_AT,
        max_input_tokens: input,
        max_tokens: output,
      })),
      has_more: false,
      first_id: 'fast',
      last_id: 'mine',
    });
  });

  it('is iterated page by page, forwards and backwards', async () => {
    const before = await client().models.list({ limit: 4 });
    expect([before.data.map(({ id }) => id), before.has_more, before.first_id, before.last_id]).toEqual([
      all.slice(0, 4),
      true,
      'fast',
      'sized',
    ]);
    const seen: string[] = [];
    for await (const { id } of client().models.list({ limit: 4 })) seen.push(id);
    expect(seen).toEqual(all);
    const pages: string[][] = [];
    for await (const page of (await client().models.list({ limit: 4, before_id: 'mine' })).iterPages())
      pages.push(page.data.map(({ id }) => id));
    expect(pages).toEqual([all.slice(5, 9), all.slice(1, 5), all.slice(0, 1)]);
    expect(await client().models.retrieve('claude')).toEqual(
      expect.objectContaining({ type: 'model', display_name: 'Claude the Great', max_tokens: 64_000 }),
    );
  });

  it('is empty, not broken, for a key that may call none', async () => {
    const none = await gateway.createKey({ models: ['no-default-models'] });
    expect((await list(none, '?limit=1', '2023-06-01')).body).toEqual({
      data: [],
      has_more: false,
      first_id: null,
      last_id: null,
    });
  });

  it.each([
    ['?limit=0', 'limit'],
    ['?limit=1001', 'limit'],
    ['?limit=some', 'limit'],
    ['?after_id=absent', 'after_id'],
    ['?before_id=absent', 'before_id'],
    ['?before_id=fast&after_id=fast', 'before_id'],
  ])('refuses %s in its own words', async (query, field) => {
    const { status, body } = await list(apiKey, query, '2023-06-01');
    expect([status, body.type, body.error.details.fields[0]!.field]).toEqual([422, 'error', field]);
    // OpenAI's form has no pages.
    expect((await list(apiKey, query)).status).toBe(200);
  });

  it('refuses as Anthropic does: the client throws its own errors', async () => {
    await expect(client().models.retrieve('absent')).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    await expect(client('sk-unknown').models.list()).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
    const outer = await list('sk-unknown', '', '2023-06-01');
    expect([outer.status, outer.body.type, outer.body.request_id]).toEqual([
      401,
      'error',
      outer.body.error.details.request_id,
    ]);
    expect((await list('sk-unknown')).body.type).toBeUndefined();
  });
});

it.each(['/v1/models', '/models', '/openai/models', '/v1/models/fast'])('HEAD %s answers without a body', async (path) => {
  const response = await fetch(gateway.url + path, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${apiKey}` },
  });
  expect([response.status, await response.text()]).toEqual([200, '']);
}); // prettier-ignore

describe('wildcards', () => {
  let more: Gateway;
  beforeAll(async () => {
    const litellm_params = { model: 'groq/*', api_key: 'sk-x', api_base: upstream.url };
    more = await Gateway.start({ config: { model_list: [{ model_name: 'groq/*', litellm_params }] } });
  });
  afterAll(() => closeAll(more));

  it('are listed themselves if the query asks for them and the key may call them', async () => {
    const names = async (key: string, query: string) => {
      const { body } = await more.as(key, 'GET', `/v1/models${query}`);
      return (body.data as { id: string }[]).map(({ id }) => id);
    };
    const key = await more.createKey();
    expect(await names(key, '')).not.toContain('groq/*');
    expect(await names(key, '?return_wildcard_routes=true')).toContain('groq/*');
    const one = await more.createKey({ models: ['groq/whisper-large-v3'] });
    expect(await names(one, '?return_wildcard_routes=true')).toEqual(['groq/whisper-large-v3']);
  });
});

describe('counting the tokens of a response’s input', () => {
  it('costs and holds nothing, and is for whoever may call the model', async () => {
    const { entries } = await gateway.books();
    const count = (key: string) =>
      new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 }).responses.inputTokens.count({
        model: 'fast',
        input: 'Hello!',
        tools: [{ type: 'web_search' }],
      });
    expect(await count(await gateway.createKey({ max_budget: 0 }))).toEqual({
      object: 'response.input_tokens',
      input_tokens: 14,
    });
    const { path, body } = upstream.calls.at(-1)!;
    expect([path, body]).toEqual([
      '/v1/responses/input_tokens',
      { model: 'gpt-4o-mini', input: 'Hello!', tools: [{ type: 'web_search' }] },
    ]);
    await expect(count(await gateway.createKey({ models: ['embed'] }))).rejects.toMatchObject({
      status: 403,
    });
    expect((await gateway.books()).entries.length).toBe(entries.length);
  });
});
