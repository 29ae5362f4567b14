import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

const KEY = 'key-of-the-maker';
/** Makers with APIs of both forms: a base as their documents write it, and the path of messages. */
const BOTH_FORMS = [
  ['deepseek', '', '/anthropic/v1/messages', '/chat/completions'],
  ['deepseek', '/beta', '/anthropic/v1/messages', '/beta/chat/completions'],
  ['minimax', '/anthropic', '/anthropic/v1/messages', '/v1/chat/completions'],
  ['moonshot', '/v1', '/anthropic/v1/messages', '/v1/chat/completions'],
  ['zai', '/api/paas/v4', '/api/anthropic/v1/messages', '/api/paas/v4/chat/completions'],
  ['zai', '/api/coding/paas/v4', '/api/anthropic/v1/messages', '/api/coding/paas/v4/chat/completions'],
  ['zai', '/api/anthropic', '/api/anthropic/v1/messages', '/api/paas/v4/chat/completions'],
  ['coralbricks', '/v1', '/v1/messages', '/v1/chat/completions'],
  ['cortecs', '/v1', '/v1/messages', '/v1/chat/completions'],
  ['edenai', '/v3', '/v3/v1/messages', '/v3/chat/completions'],
  ['inferenceapis', '/v1', '/v1/messages', '/v1/chat/completions'],
  ['meta', '/v1', '/v1/messages', '/v1/chat/completions'],
  ['prism', '/v1', '/v1/messages', '/v1/chat/completions'],
  ['sail', '/v1', '/v1/messages', '/v1/chat/completions'],
  ['tencent', '/v1', '/v1/messages', '/v1/chat/completions'],
] as const;
const nameOf = (provider: string, base: string) => `${provider}${base.replaceAll('/', '-')}`;

const PRICES = {
  input_cost_per_token: 0.000003,
  output_cost_per_token: 0.000015,
  cache_read_input_token_cost: 0.0000003,
  cache_creation_input_token_cost: 0.00000375,
};
const USAGE = {
  input_tokens: 11,
  output_tokens: 5,
  cache_read_input_tokens: 7,
  cache_creation_input_tokens: 3,
};
/** 11 × 3 + 5 × 15 + 7 × 0.3 + 3 × 3.75 millionths of a dollar. */
const COST_NANO_USD = 121_350n;

let upstream: Upstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await Upstream.start();
  const root = upstream.url.replace(/\/v1$/, '');
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: BOTH_FORMS.map(([provider, base]) => ({
        model_name: nameOf(provider, base),
        litellm_params: { model: `${provider}/m1`, api_base: root + base, api_key: KEY, ...PRICES },
        model_info: { max_input_tokens: 100_000, max_output_tokens: 8_000 },
      })),
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

describe('makers with an API of Anthropic’s form', () => {
  const HELLO = [{ role: 'user' as const, content: 'Name a river.' }];
  const lastEntry = async () => (await gateway.books()).entries.at(-1)!;

  it.each(BOTH_FORMS)('%s at %s answers messages at %s, chats at %s', async (provider, base, path, chats) => {
    const model = nameOf(provider, base);
    const body = { max_tokens: 20, messages: HELLO, system: 'Be brief.', seed: 7 };
    upstream.behave = () => ({ usage: USAGE });
    const answer = await gateway.as(gateway.masterKey, 'POST', '/v1/messages', { ...body, model });
    expect([answer.status, answer.body.type]).toEqual([200, 'message']);
    const call = upstream.calls.at(-1)!;
    expect([call.path, call.body]).toEqual([path, { ...body, model: 'm1' }]);
    expect(call.headers).toMatchObject({ 'x-api-key': KEY, 'anthropic-version': '2023-06-01' });
    expect(await lastEntry()).toMatchObject({ cost: COST_NANO_USD, mark: null, state: 'settled' });

    upstream.behave = () => ({});
    expect((await gateway.chat(gateway.masterKey, { model, max_completion_tokens: 2 })).status).toBe(200);
    const chat = upstream.calls.at(-1)!;
    expect([chat.path, chat.headers.authorization]).toEqual([chats, `Bearer ${KEY}`]);
    expect(chat.headers).not.toHaveProperty('x-api-key');
    expect(chat.headers).not.toHaveProperty('anthropic-version');
  });

  it('streams to Anthropic’s client, by its version and betas', async () => {
    upstream.behave = () => ({ usage: USAGE });
    const client = new Anthropic({ apiKey: gateway.masterKey, baseURL: gateway.url });
    const final = await client.messages
      .stream(
        { model: 'deepseek', max_tokens: 5, messages: HELLO },
        { headers: { 'anthropic-beta': 'some-beta-2025-01-01' } },
      )
      .finalMessage();
    expect(final.role).toBe('assistant');
    const { path, headers } = upstream.calls.at(-1)!;
    expect(path).toBe('/anthropic/v1/messages');
    expect(headers).toMatchObject({ 'x-api-key': KEY, 'anthropic-beta': 'some-beta-2025-01-01' });
    expect(await lastEntry()).toMatchObject({ cost: COST_NANO_USD, mark: null });
  });

  it('tells errors in Anthropic’s form', async () => {
    upstream.behave = () => ({
      status: 429,
      errorBody: { type: 'error', error: { type: 'rate_limit_error', message: 'Slow down' } },
    });
    const answer = await gateway.as(gateway.masterKey, 'POST', '/v1/messages', {
      model: 'meta-v1',
      max_tokens: 5,
      messages: HELLO,
    });
    expect([answer.status, answer.body.type, answer.body.error.type]).toEqual([
      429,
      'error',
      'rate_limit_error',
    ]);
  });
});
