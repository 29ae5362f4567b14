import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isCallDefault } from '../../src/config/call-defaults.js';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/**
 * Proves that members of `litellm_params` are sent with every call as LiteLLM 1.108.7 sends them, that `drop_params` leaves
 * out what it leaves out there, and that a call holds money for the body that is sent.
 */

/** Output costs $0.001 a token, input nothing. */
const price = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
const priced = { ...price, input_cost_per_token: 0.00001 };
const every = { max_tokens: 50, temperature: 0.2, seed: 3, user: 'operator', metadata: { a: 'b' }, region_name: 'x', rpm: 9, unknown_thing: 5 }; // prettier-ignore
const extra_body = { foo: 1, temperature: 0.9, cache: { type: 'x' }, metadata: { of: 'the operator' } };
const schema = { type: 'json_object', schema: { strict: true, name: 'a' } };

/** Deployments that cannot be used, each with the field that is wrong. */
const BAD: [string, string, Record<string, unknown>][] = [
  ['bad-model', 'litellm_params.extra_body.model', { extra_body: { model: 'other' } }],
  ['bad-key', 'litellm_params.extra_body.api_key', { extra_body: { api_key: 'sk-x' } }],
  ['bad-models', 'litellm_params.models', { models: ['other'] }],
  ['bad-value', 'litellm_params.n', { n: 'three' }],
  ['bad-spelling', 'litellm_params.extra_body.Max_Tokens', { extra_body: { Max_Tokens: 5 } }],
  ['bad-list', 'litellm_params.additional_drop_params', { additional_drop_params: 'user' }],
  ['bad-flag', 'litellm_params.drop_params', { drop_params: 'perhaps' }],
  ['bad-size', 'litellm_params.extra_body', { extra_body: { text: 'x'.repeat(70_000) } }],
];

let upstream: Upstream;
let dropping: Gateway;
let gateway: Gateway;
let key: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  const { url } = upstream;
  const root = url.replace(/\/v1$/, '');
  const of = (name: string, params: object, info: object = price) =>
    model(name, url, { ...info }, { ...params });
  const config = {
    model_list: [
      of('m-plain', {}),
      of('m-every', every),
      of('m-extra', { ...every, extra_body }),
      of('m-claude', { ...every, extra_body, model: 'anthropic/m-claude', api_base: root }),
      of('m-claude-bare', { model: 'anthropic/m-claude-bare', api_base: root, max_tokens: 7 }),
      of('m-short', { max_tokens: 50 }),
      of('m-three', { extra_body: { n: 3 } }),
      of('m-tools', { extra_body: { tools: [{ type: 'code_interpreter' }] } }),
      of('m-thinker', { model: 'openai/gpt-5-nano', max_tokens: 20 }),
      of('m-drops', { model: 'openai/o3-mini', temperature: 0.4, drop_params: 'true' }),
      of('m-o3', { model: 'openai/o3-mini' }),
      of('m-51', { model: 'openai/gpt-5.1-2025-11-13', drop_params: true }),
      of('m-groq', { model: 'groq/llama-3.3-70b-versatile', drop_params: true }),
      of('m-own', { model: 'openai/my-model', drop_params: true }),
      of('m-without', { additional_drop_params: ['user', 'seed', 'messages', 'response_format.schema.strict', 'tools[*].function.strict', 'foo'], extra_body: { foo: 1, bar: 2 } }), // prettier-ignore
      // One name, two bodies: the larger one decides.
      model('m-two', url, { ...price, id: 'd-two-a' }, { max_tokens: 10 }),
      model('m-two', url, { ...price, id: 'd-two-b' }, { model: 'openai/up-two-b', extra_body: { n: 4 }, max_tokens: 20 }), // prettier-ignore
      model('m-fee', url, { ...price, id: 'd-fee-a' }, { weight: 1_000_000 }),
      model(
        'm-fee',
        url,
        { ...price, id: 'd-fee-b' },
        { extra_body: { tools: [{ type: 'code_interpreter' }] } },
      ),
      of('m-counted', { max_tokens: 5, extra_body: { foo: 'x'.repeat(200) } }, priced),
      ...BAD.map(([name, , params]) => of(name, params)),
    ],
    general_settings: { budget_wait_ms: 100, min_output_tokens: 5, default_hold_tokens: 1_000 },
  };
  [gateway, dropping] = await Promise.all([
    Gateway.start({ upstream, config }),
    Gateway.start({
      upstream,
      config: { model_list: config.model_list.slice(0, 13), litellm_settings: { drop_params: true } },
    }),
  ]);
  key = await gateway.createKey();
});
afterAll(() => closeAll(gateway, dropping, upstream));
afterEach(() => {
  upstream.behave = () => ({});
});

const chat = { messages: [{ role: 'user', content: 'hi' }] };
const BODIES: Record<string, object> = {
  '/chat/completions': chat,
  '/completions': { prompt: 'a' },
  '/embeddings': { input: 'a' },
  '/responses': { input: 'a' },
  '/messages': { ...chat, max_tokens: 5 },
  '/moderations': { input: 'a' },
  '/audio/speech': { input: 'a', voice: 'x' },
};
const CHAT = '/chat/completions';

/** Sends a call and returns the body that the provider received, without its model and prompt; or the refusal. */
async function received(path: string, body: object, by = gateway, secret = key) {
  const calls = upstream.calls.length;
  const answer = await by.as(secret, 'POST', `/v1${path}`, { ...BODIES[path], ...body });
  if (upstream.calls.length === calls) return { status: answer.status, param: answer.body.error.param };
  const { model: _, messages, prompt, input, voice: _voice, ...members } = upstream.calls.at(-1)!.body;
  expect(messages ?? prompt ?? input).toBeDefined();
  return members;
}

describe('members of litellm_params', () => {
  const sent = { temperature: 0.2, seed: 3, user: 'operator', unknown_thing: 5 };
  const merged = { ...sent, ...extra_body };
  it.each<[string, string, object, object]>([
    ['are sent with a chat', CHAT, { model: 'm-every' }, { ...sent, max_tokens: 50 }],
    ['but not where the client names them', CHAT, { model: 'm-every', temperature: 1, seed: null, max_completion_tokens: 9 }, { ...sent, temperature: 1, seed: null, max_completion_tokens: 9 }], // prettier-ignore
    ['extra_body comes before the client', CHAT, { model: 'm-extra', temperature: 1, cache: 5, metadata: { a: 'b' } }, { ...merged, max_tokens: 50 }], // prettier-ignore
    ['are sent with a completion', '/completions', { model: 'm-extra' }, { ...merged, max_tokens: 50 }],
    ['are sent with an embedding, without a limit', '/embeddings', { model: 'm-extra' }, merged],
    ['are sent with a response as far as its API has them', '/responses', { model: 'm-extra' }, { user: 'operator', ...extra_body }], // prettier-ignore
    ['are sent with a message as far as its API has them', '/messages', { model: 'm-claude' }, { max_tokens: 5, temperature: 0.2 }], // prettier-ignore
    ['are not sent with a moderation', '/moderations', { model: 'm-extra' }, {}],
    ['name the limit as the model reads it', CHAT, { model: 'm-thinker' }, { max_completion_tokens: 20 }],
  ])('%s', async (_, path, body, expected) => {
    upstream.behave = () => ({ rawBody: '{"usage":{"prompt_tokens":1,"completion_tokens":1,"input_tokens":1,"output_tokens":1}}' }); // prettier-ignore
    expect(await received(path, body)).toEqual(expected);
  });

  it('reach a transcription as fields of its form', async () => {
    const form = new FormData();
    form.set('model', 'm-extra');
    form.set('file', new Blob([Buffer.alloc(8_000)]), 'a.wav');
    form.set('temperature', '0.5');
    const { url } = gateway;
    await fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', body: form, headers: { authorization: `Bearer ${key}` } }); // prettier-ignore
    const { model: _, ...fields } = upstream.calls.at(-1)!.fields;
    expect(fields).toMatchObject({ temperature: '0.9', seed: '3', user: 'operator', foo: '1' });
  });

  it('of LiteLLM itself are never sent', () => {
    const names: readonly string[] = JSON.parse(
      readFileSync(new URL('../harness/litellm/params.json', import.meta.url), 'utf8'),
    );
    expect(names.filter(isCallDefault)).toEqual([]);
  });

  it('do not make another end user', async () => {
    await received(CHAT, { model: 'm-every' });
    await gateway.books();
    const { body } = await gateway.admin('GET', '/customer/list');
    expect(JSON.stringify(body)).not.toContain('operator');
    expect(JSON.stringify((await gateway.admin('GET', '/spend/logs')).body)).not.toContain('"operator"');
  });
});

describe('drop_params', () => {
  const asked = { temperature: 0.3, top_p: 0.3, unknown: 5, stop: ['x'], parallel_tool_calls: true };
  const rest = { unknown: 5, stop: ['x'] };
  it.each<[string, object, object]>([
    ['of a deployment', { model: 'm-drops', ...asked }, rest],
    ['of the client', { model: 'm-o3', ...asked, drop_params: 'true' }, rest],
    ['absent', { model: 'm-o3', ...asked }, asked],
    ['that the client turns off', { model: 'm-drops', ...asked, drop_params: false }, asked],
    ['of a model that may think less', { model: 'm-51', temperature: 0.2, stop: 'x', reasoning_effort: 'none' }, { temperature: 0.2, reasoning_effort: 'none' }], // prettier-ignore
    ['of a model that thinks', { model: 'm-51', temperature: 0.2, top_p: 0.4, reasoning_effort: 'low' }, { reasoning_effort: 'low' }], // prettier-ignore
    ['at another provider', { model: 'm-groq', logit_bias: { 1: 1 }, user: 'u', logprobs: true, min_p: 0.1 }, { logit_bias: { 1: 1 }, logprobs: true, min_p: 0.1 }], // prettier-ignore
    ['of an unknown model', { model: 'm-own', temperature: 0.2, reasoning_effort: 'low', user: 'u', top_k: 3 }, { temperature: 0.2, reasoning_effort: 'low', top_k: 3 }], // prettier-ignore
    ['that is no flag', { model: 'm-o3', drop_params: 'perhaps' }, { status: 400, param: 'drop_params' }],
  ])('%s', async (_, body, expected) => expect(await received(CHAT, body)).toEqual(expected));

  it('of the configuration counts for every chat, whatever the client says', async () => {
    const secret = await dropping.createKey();
    for (const drop_params of [undefined, false])
      expect(await received(CHAT, { model: 'm-o3', ...asked, drop_params }, dropping, secret)).toEqual(rest);
    expect(await received('/responses', { model: 'm-o3', top_p: 0.3 }, dropping, secret)).toEqual({
      top_p: 0.3,
    });
    expect(dropping.logs).not.toMatch(/drop_params/);
  });
});

describe('additional_drop_params', () => {
  const tool = (more: object) => ({ type: 'function', function: { name: 'a', ...more } });
  const asked = { user: 'u', seed: 1, top_p: 1, response_format: schema, tools: [tool({ strict: true })] };
  const rest = {
    top_p: 1,
    response_format: { type: 'json_object', schema: { name: 'a' } },
    tools: [tool({})],
    bar: 2,
  };
  it.each<[string, string, object, object]>([
    ['leave out names and nested members', CHAT, { model: 'm-without', ...asked }, rest],
    ['of the client', CHAT, { model: 'm-plain', user: 'u', top_p: 1, additional_drop_params: ['user', 'model'] }, { top_p: 1 }], // prettier-ignore
    ['of the client leave what the operator adds', CHAT, { model: 'm-extra', additional_drop_params: ['foo', 'seed'] }, { max_tokens: 50, user: 'operator', unknown_thing: 5, ...extra_body }], // prettier-ignore
    ['in an embedding', '/embeddings', { model: 'm-without', user: 'u' }, { bar: 2 }],
    ['that are no names', CHAT, { model: 'm-plain', additional_drop_params: [5] }, { status: 400, param: 'additional_drop_params' }], // prettier-ignore
  ])('%s', async (_, path, body, expected) => expect(await received(path, body)).toEqual(expected));
});

describe('the money of such a call', () => {
  /** Calls with this budget. Returns what arrived, the status and the limit of each answer that the gateway set. */
  async function outcome(max_budget: number, body: object) {
    const secret = await gateway.createKey({ max_budget });
    const calls = upstream.calls.length;
    const { status, headers } = await gateway.as(secret, 'POST', '/v1/chat/completions', {
      ...chat,
      ...body,
    });
    const sent = upstream.calls.length > calls ? upstream.calls.at(-1)!.body : {};
    const limit = sent.max_tokens ?? sent.max_completion_tokens;
    return [status, limit, headers['x-tollgate-clamped'], sent.n];
  }
  it.each<[string, number, object, unknown[]]>([
    ['without a default the model’s limit is held', 0.05, { model: 'm-plain' }, [200, 50, '50', undefined]],
    ['a default is the call’s own limit', 0.05, { model: 'm-short' }, [200, 50, undefined, undefined]],
    ['and is cut where less is left', 0.049, { model: 'm-short' }, [200, 49, '49', undefined]],
    ['answers that the operator asks for are held', 0.06, { model: 'm-three', max_tokens: 20 }, [200, 20, undefined, 3]], // prettier-ignore
    ['each of them', 0.045, { model: 'm-three', max_tokens: 20 }, [200, 15, '15', 3]],
    ['a limit that the client drops is no limit', 0.05, { model: 'm-plain', max_tokens: 5, additional_drop_params: ['max_tokens'] }, [200, 50, '50', undefined]], // prettier-ignore
    ['a tool without a price is refused', 5, { model: 'm-tools' }, [403, undefined, undefined, undefined]],
    ['at any deployment', 5, { model: 'm-fee' }, [403, undefined, undefined, undefined]],
  ])('%s', async (_, max_budget, body, expected) =>
    expect(await outcome(max_budget, body)).toEqual(expected),
  );

  it('is held for the largest body of several, whichever is sent', async () => {
    const seen = new Set<unknown>();
    for (let i = 0; i < 30 && seen.size < 2; i++) {
      const [status, limit, clamped, n] = await outcome(0.08, { model: 'm-two' });
      seen.add(n);
      expect([status, limit, clamped]).toEqual([200, n === 4 ? 20 : 10, undefined]);
    }
    expect(seen).toEqual(new Set([4, undefined]));
    const { entries } = await gateway.books();
    const bounds = entries.filter(({ model: name }) => name === 'm-two').map(({ bound }) => Number(bound));
    // Twenty tokens of each of four answers.
    expect(new Set(bounds)).toEqual(new Set([80_000_000]));
  });

  it('is counted where the bytes of the prompt do not fit', async () => {
    const messages = [{ role: 'user', content: 'several ordinary words '.repeat(130) }];
    expect(await outcome(0.03, { model: 'm-counted', messages })).toEqual([200, 5, undefined, undefined]);
  });

  it('is explained as it is refused: by the largest body', async () => {
    const secret = await gateway.createKey({ max_budget: 0.001 });
    const refused = await gateway.as(secret, 'POST', '/v1/chat/completions', { model: 'm-two', ...chat });
    const explained = await gateway.as(gateway.masterKey, 'POST', '/access/v1/evaluation', {
      subject: { type: 'key', id: secret },
      action: { name: 'call' },
      resource: { type: 'model', id: 'm-two' },
      context: { body: chat },
    });
    // Five tokens of each of four answers.
    expect(explained.body).toMatchObject({ decision: false, context: { details: { needed: 0.02 } } });
    expect(refused).toMatchObject({ status: 429, body: { error: { details: { needed: 0.02 } } } });
  });
});

describe('a deployment that cannot be used', () => {
  it.each(BAD)('%s is left out, or refused where it is added at runtime', async (name, field, params) => {
    const call = await gateway.as(key, 'POST', '/v1/chat/completions', { model: name, ...chat });
    expect(call.status).toBe(400);
    expect(gateway.logs).toContain(`${field}: `);
    const added = await gateway.admin('POST', '/model/new', {
      model_name: `${name}-2`,
      litellm_params: { model: 'openai/x', api_base: upstream.url, api_key: 'k', ...params },
    });
    expect(added).toMatchObject({ status: 422, text: expect.stringContaining(field.split('.').at(-1)!) });
  });

  it('one that is added at runtime works like one of the file', async () => {
    await gateway.admin('POST', '/model/new', {
      model_name: 'm-stored',
      litellm_params: {
        model: 'openai/stored',
        api_base: upstream.url,
        api_key: 'k',
        seed: 7,
        extra_body: { foo: 2 },
      },
    });
    expect(await received(CHAT, { model: 'm-stored' })).toEqual({ seed: 7, foo: 2 });
  });
});
