import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that each provider's usage is read as that provider means it, whole and in a stream. */

let upstream: Upstream;
let gateway: Gateway;
const NANO = 1e9;
const OWN = { input_cost_per_token: 0.000001, output_cost_per_token: 0.000002 };

const deployment = (modelName: string, model: string, params: object = {}) => ({
  model_name: modelName,
  litellm_params: { model, api_base: upstream.url, api_key: 'sk-provider-key-of-the-tests', ...params },
});

beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        deployment('openrouter', 'openrouter/openai/gpt-4o'),
        deployment('openrouter-new', 'openrouter/some/new-model'),
        deployment('openrouter-own', 'openrouter/openai/gpt-4o', OWN),
        deployment('openai', 'openai/gpt-4o'),
        deployment('xai', 'xai/grok-4.3'),
        deployment('sonar', 'perplexity/sonar'),
        deployment('own', 'hosted_vllm/m', OWN),
        deployment('claude', 'anthropic/claude-opus-4-6'),
        deployment('hears', 'openai/hears', { ...OWN, input_cost_per_second: 0.0001 }),
        deployment('draws', 'openai/draws', { input_cost_per_token: 0, output_cost_per_token: 0, output_cost_per_image_token: 0.00004 }), // prettier-ignore
      ],
    },
  });
});
afterAll(() => closeAll(gateway, upstream));

const PLAIN = { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500 };
const CHAT = { messages: [{ role: 'user', content: 'hi' }] };

/** Returns what a call cost in nano-dollars and the mark of its entry. */
async function billed(model: string, path: string, body: object, answer: object | string) {
  const key = await gateway.createKey();
  upstream.behave = () =>
    typeof answer === 'string' ? { rawStream: [answer] } : { rawBody: JSON.stringify(answer) };
  const { status, text } = await gateway.as(key, 'POST', path, { model, ...body });
  expect([status, text]).toEqual([200, expect.any(String)]);
  await gateway.books();
  const { body: rows } = await gateway.as(gateway.masterKey, 'GET', `/spend/logs?api_key=${key}`);
  const [{ spend, metadata }] = rows as [{ spend: number; metadata: { mark: string | null; usage_object: object } }]; // prettier-ignore
  return { nanoUsd: Math.round(spend * NANO), mark: metadata.mark, usage: metadata.usage_object };
}

const chat = (model: string, usage: object) =>
  billed(model, '/v1/chat/completions', CHAT, {
    id: 'c1',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'ok' } }],
    usage,
  });

const streamedChat = (model: string, usage: object) => {
  const chunk = (data: object) => `data: ${JSON.stringify({ id: 'c1', ...data })}\n\n`;
  const choice = { index: 0, delta: { content: 'ok' }, finish_reason: 'stop' };
  const text = `${chunk({ choices: [choice] })}${chunk({ choices: [], usage })}data: [DONE]\n\n`;
  return billed(model, '/v1/chat/completions', { ...CHAT, stream: true }, text);
};

describe.each([
  ['whole', chat],
  ['in a stream', streamedChat],
])('the usage of a chat, %s', (_, call) => {
  it('has the bill of a provider that documents it, marked if the price differs', async () => {
    expect(await call('openrouter', { ...PLAIN, cost: 0.0123 })).toMatchObject({ nanoUsd: 12_300_000, mark: 'provider_bill' }); // prettier-ignore
    expect(await call('openrouter', { ...PLAIN, cost: 0.0075 })).toMatchObject({ nanoUsd: 7_500_000, mark: null }); // prettier-ignore
    expect(await call('openrouter', { ...PLAIN, cost: 0 })).toMatchObject({ nanoUsd: 0, mark: 'provider_bill' }); // prettier-ignore
    expect(await call('xai', { ...PLAIN, cost_in_usd_ticks: 123_000_000 })).toMatchObject({ nanoUsd: 12_300_000, mark: 'provider_bill' }); // prettier-ignore
  });

  it('has the bill also where no price is known', async () => {
    expect(await call('openrouter-new', { ...PLAIN, cost: 0.0123 })).toMatchObject({ nanoUsd: 12_300_000, mark: 'provider_bill' }); // prettier-ignore
  });

  it.each([
    ['openrouter', { cost: -1 }, 7_500_000],
    ['openrouter', { cost: 1e308 }, 7_500_000],
    ['openrouter', { cost_in_usd_ticks: 1 }, 7_500_000],
    ['openrouter-own', { cost: 0.0123 }, 2_000_000],
    ['openai', { cost: 5 }, 7_500_000],
    ['own', { cost: { total_cost: 5 } }, 2_000_000],
  ])('has no bill: %s, %j', async (model, more, nanoUsd) => {
    expect(await call(model, { ...PLAIN, ...more })).toMatchObject({ nanoUsd, mark: null });
  });

  it('has reasoning beside the completion where the sum says so', async () => {
    const usage = { ...PLAIN, total_tokens: 1_800, completion_tokens_details: { reasoning_tokens: 300 } };
    expect(await call('xai', usage)).toMatchObject({ nanoUsd: 3_250_000, mark: null });
    expect(await call('own', usage)).toMatchObject({ nanoUsd: 2_600_000, mark: null });
  });

  it('is marked if it has counts that no price reads', async () => {
    expect(await call('own', { ...PLAIN, music_tokens: 7 })).toEqual({
      nanoUsd: 2_000_000,
      mark: 'unread_counts',
      usage: { inputTokens: 1_000, outputTokens: 500, unreadCounts: ['music_tokens'] },
    });
  });
});

it('bills the completion that an upstream reports without a prompt', async () => {
  const { nanoUsd, mark } = await chat('own', { prompt_tokens: null, completion_tokens: 500 });
  expect(nanoUsd).toBeGreaterThan(1_000_000);
  expect(mark).toBe('estimated');
});

it('holds and bills Perplexity’s search in every call, at the size of its context', async () => {
  const key = await gateway.createKey({ max_budget: 5 });
  upstream.behave = () => ({ usage: PLAIN });
  const body = { model: 'sonar', max_tokens: 500, ...CHAT };
  const { headers } = await gateway.as(key, 'POST', '/v1/chat/completions', body);
  // 1,500 tokens at a dollar a million, and 5 dollars for 1,000 searches.
  expect(headers['x-litellm-response-cost']).toBe('0.0065');
  const { entries } = await gateway.books();
  const { bound, cost, mark } = entries.findLast(({ model }) => model === 'sonar')!;
  expect([cost, mark]).toEqual([6_500_000n, null]);
  expect(bound).toBeGreaterThan(12_000_000n);
});

it('bills Claude’s compaction beside the answer, and once', async () => {
  const answer = { input_tokens: 1_000, output_tokens: 500 };
  const compaction = { type: 'compaction', input_tokens: 180_000, output_tokens: 3_500 };
  const call = (usage: object) =>
    billed(
      'claude',
      '/v1/messages',
      { ...CHAT, max_tokens: 100 },
      { id: 'm1', type: 'message', role: 'assistant', content: [{ type: 'text', text: 'ok' }], usage },
    );
  const iterations = [compaction, { type: 'message', ...answer }];
  expect(await call({ ...answer, iterations })).toMatchObject({ nanoUsd: 1_005_000_000, mark: 'overrun' });
  expect(await call({ input_tokens: 181_000, output_tokens: 4_000, iterations })).toMatchObject({ nanoUsd: 1_005_000_000 }); // prettier-ignore
  expect(await call({ ...answer, iterations: [{ type: 'message', ...answer }] })).toMatchObject({ nanoUsd: 17_500_000 }); // prettier-ignore
  expect(await call({ ...answer, iterations: 'x' })).toMatchObject({ nanoUsd: 17_500_000 });
});

it('bills a transcription by its tokens or by its length, never by both', async () => {
  const hear = async (usage: object) => {
    const key = await gateway.createKey();
    upstream.behave = () => ({ rawBody: JSON.stringify({ text: 'ok', usage }) });
    const form = new FormData();
    form.set('model', 'hears');
    form.set('file', new Blob([Buffer.alloc(8_000)]), 'a.wav');
    const response = await fetch(`${gateway.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: form,
    });
    expect(response.status).toBe(200);
    return Math.round(Number(response.headers.get('x-litellm-response-cost')) * NANO);
  };
  const tokens = { type: 'tokens', input_tokens: 300, output_tokens: 50, total_tokens: 350 };
  expect(await hear(tokens)).toBe(400_000);
  expect(await hear({ type: 'duration', seconds: 30 })).toBe(3_000_000);
  expect(await hear({ ...tokens, seconds: 30 })).toBe(400_000);
});

it('estimates a picture without usage at the price of its tokens', async () => {
  const { nanoUsd, mark } = await billed('draws', '/v1/images/generations', { prompt: 'x' }, { data: [{ b64_json: '' }] }); // prettier-ignore
  expect([nanoUsd, mark]).toEqual([655_360_000, 'estimated']);
});
