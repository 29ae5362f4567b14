import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({ upstream });
});
afterAll(() => closeAll(gateway, upstream));

const clientOf = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${gateway.url}/v1` });
const messages = [{ role: 'user' as const, content: 'Hello!' }];

describe('the openai client', () => {
  it('chats', async () => {
    const openai = clientOf(await gateway.createKey({ max_budget: 1 }));
    const answer = await openai.chat.completions.create({ model: 'm-out', messages, max_tokens: 3 });
    expect(answer.choices[0]!.message.content).toBe('scripted answer');
    expect(answer.usage).toMatchObject({ completion_tokens: 3 });
  });

  it('streams, and sees no usage it did not ask for', async () => {
    const openai = clientOf(await gateway.createKey({ max_budget: 1 }));
    const chunks = [];
    for await (const chunk of await openai.chat.completions.create({
      model: 'm-out',
      messages,
      max_tokens: 5,
      stream: true,
    })) {
      chunks.push(chunk);
    }
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('t0 t1 t2 t3 t4 ');
    expect(chunks.filter(({ usage }) => usage)).toEqual([]);
    expect(upstream.calls.at(-1)!.body.stream_options).toEqual({ include_usage: true });
  });

  it('streams usage when it asks for it', async () => {
    const openai = clientOf(await gateway.createKey());
    const stream = await openai.chat.completions.create({
      model: 'm-out',
      messages,
      max_tokens: 5,
      stream: true,
      stream_options: { include_usage: true },
    });
    const usages = [];
    for await (const { usage } of stream) if (usage) usages.push(usage);
    expect(usages).toMatchObject([{ completion_tokens: 5 }]);
  });

  it('embeds', async () => {
    const key = await gateway.createKey({ max_budget: 1 });
    upstream.behave = () => ({ promptTokens: 7 });
    const answer = await clientOf(key).embeddings.create({
      model: 'm-embed',
      input: 'Hello!',
      encoding_format: 'float',
    });
    upstream.behave = () => ({});
    expect(answer.data[0]!.embedding).toEqual([0.5, -0.5]);
    expect(await gateway.spendOf(key)).toBe(0.000007);
  });

  it('completes text', async () => {
    const openai = clientOf(await gateway.createKey());
    const answer = await openai.completions.create({ model: 'm-out', prompt: 'Once', max_tokens: 2 });
    expect(answer.choices[0]!.text).toBe('scripted answer');
  });

  it('lists exactly the models it may call', async () => {
    const openai = clientOf(await gateway.createKey({ models: ['m-out', 'm-free'] }));
    const listed = [];
    for await (const { id } of openai.models.list()) listed.push(id);
    expect(listed).toEqual(['m-out', 'm-free']);
    expect((await openai.models.retrieve('m-out')).id).toBe('m-out');
    await expect(openai.models.retrieve('m-deny')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it('gets its own exceptions', async () => {
    await expect(clientOf('sk-nobody-knows-this-one').models.list()).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
    const denied = clientOf(await gateway.createKey({ models: ['m-out'] }));
    await expect(denied.chat.completions.create({ model: 'm-deny', messages })).rejects.toMatchObject({
      status: 403,
      type: 'key_model_access_denied',
      param: 'model',
    });
    await expect(denied.chat.completions.create({ model: 'm-out', messages, n: -1 })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    );
  });

  it('does not storm an exhausted budget', async () => {
    const openai = clientOf(await gateway.createKey({ max_budget: 0 }));
    const before = upstream.calls.length;
    let attempts = 0;
    const counting = openai.withOptions({
      maxRetries: 5,
      fetch: (...call) => {
        attempts++;
        return fetch(...call);
      },
    });
    await expect(
      counting.chat.completions.create({ model: 'm-out', messages, max_tokens: 10 }),
    ).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    expect([attempts, upstream.calls.length - before]).toEqual([1, 0]);
  });
});

describe('what goes upstream', () => {
  it('is the client’s own bytes, but for the model’s name and what speaks to the gateway', async () => {
    const key = await gateway.createKey();
    const sent =
      '{ "messages":[{"role":"user","content":"\\u00e9 \\ud83d\\ude00"}],  "model" : "m-out","max_tokens":1.0e1, "x_odd":1.50, "fallbacks":["m-free"] }';
    expect((await gateway.as(key, 'POST', '/v1/chat/completions', sent)).status).toBe(200);
    expect(upstream.calls.at(-1)!.rawBody.toString()).toBe(
      '{"messages":[{"role":"user","content":"\\u00e9 \\ud83d\\ude00"}],"model" : "up-m-out","max_tokens":1.0e1,"x_odd":1.50}',
    );
  });

  it('carries the provider’s key and none of the client’s headers', async () => {
    const key = await gateway.createKey();
    await gateway.chat(key, { model: 'm-out', max_tokens: 1 }, { 'x-canary': 'c', cookie: 'c=1' });
    const { headers } = upstream.calls.at(-1)!;
    expect(headers.authorization).toBe('Bearer sk-provider-key-of-the-tests');
    expect(headers['x-canary'] ?? headers.cookie).toBeUndefined();
  });
});

describe('what comes back', () => {
  it('has LiteLLM’s headers and the provider’s own under a prefix', async () => {
    const key = await gateway.createKey({ max_budget: 1 });
    upstream.behave = () => ({ headers: { 'x-ratelimit-remaining-requests': '41', 'set-cookie': 'c=1' } });
    const { headers } = await gateway.chat(
      key,
      { model: 'm-out', max_tokens: 10 },
      { 'x-request-id': 'mine-1' },
    );
    upstream.behave = () => ({});
    expect(headers).toMatchObject({
      'x-request-id': 'mine-1',
      'x-litellm-model-id': 'd-m-out',
      'x-litellm-response-cost': '0.01',
      'x-litellm-key-spend': '0.01',
      'x-litellm-key-max-budget': '1',
      'llm_provider-x-ratelimit-remaining-requests': '41',
    });
    expect(headers['x-litellm-call-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers['set-cookie'] ?? headers['llm_provider-set-cookie']).toBeUndefined();
  });
});
