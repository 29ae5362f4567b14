import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { eventually } from '../harness/eventually.js';
import { Gateway, model } from '../harness/gateway.js';
import { type Behaviour, Upstream } from '../harness/upstream.js';

/** Proves what a client gets of the errors of upstreams. */

let upstream: Upstream;
let gateway: Gateway;
let apiKey: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  const root = upstream.url.replace(/\/v1$/, '');
  const price = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('m-out', upstream.url, price),
        model('m-other', upstream.url, price),
        model('m-claude', root, price, { model: 'anthropic/up-m-claude', api_key: 'sk-provider-4567' }),
      ],
    },
  });
  apiKey = await gateway.createKey();
});
afterAll(() => closeAll(gateway, upstream));

const messages = [{ role: 'user' as const, content: 'Hello!' }];

/** Returns the error of the OpenAI client and the number of its requests. */
async function openaiError(behaviour: Behaviour, maxRetries = 0) {
  upstream.behave = () => behaviour;
  const before = upstream.calls.length;
  const openai = new OpenAI({ apiKey, baseURL: `${gateway.url}/v1`, maxRetries });
  const error = await openai.chat.completions.create({ model: 'm-out', messages }).catch((thrown: unknown) => thrown);
  return { error: error as InstanceType<typeof OpenAI.APIError>, requests: upstream.calls.length - before };
} // prettier-ignore

async function anthropicError(behaviour: Behaviour) {
  upstream.behave = () => behaviour;
  const anthropic = new Anthropic({ apiKey, baseURL: gateway.url, maxRetries: 0 });
  const error = await anthropic.messages
    .create({ model: 'm-claude', messages, max_tokens: 3 })
    .catch((thrown: unknown) => thrown);
  return error as InstanceType<typeof Anthropic.APIError>;
}

const errorBody = (error: object) => ({ error });

describe('the openai client', () => {
  it('gets type, code, param and message of a context overflow', async () => {
    const message = "This model's maximum context length is 128000 tokens. However, you requested 200000.";
    const { error } = await openaiError({
      status: 400,
      errorBody: errorBody({ message, type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' }),
    }); // prettier-ignore
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({
      code: 'context_length_exceeded',
      type: 'invalid_request_error',
      param: 'messages',
    });
    expect(error.message).toBe(`400 ${message}`);
    expect(error.error).toMatchObject({ details: { upstream_status: 400, request_id: error.requestID } });
  });

  it.each([
    ['prompt is too long: 210000 tokens > 200000 maximum', null],
    ['input length and `max_tokens` exceed context limit: 199000 + 20000 > 200000', null],
    ["This model's maximum context length is 4096 tokens.", 400],
    ['The decoder prompt (length 5000) is longer than the maximum model length of 4096.', 400],
    [
      'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
      '3051',
    ],
    ['The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).', 400],
  ])('gets the code of a context overflow also from "%s"', async (message, code) => {
    const { error } = await openaiError({ status: 400, errorBody: errorBody({ message, code }) });
    expect(error.code).toBe('context_length_exceeded');
  });

  it('gets the upstream’s quota, and retries as the upstream asks', async () => {
    const quota = errorBody({ message: 'no quota', type: 'insufficient_quota', param: null, code: 'insufficient_quota' });
    const denied = await openaiError({ status: 429, errorBody: quota, headers: { 'x-should-retry': 'false' } }, 2);
    expect(denied.error).toBeInstanceOf(OpenAI.RateLimitError);
    expect([denied.error.code, denied.requests]).toEqual(['insufficient_quota', 1]);
    const asked = await openaiError({ status: 400, headers: { 'x-should-retry': 'true', 'retry-after-ms': '1' } }, 2);
    expect(asked.requests).toBe(3);
  }); // prettier-ignore

  it('gets the headers of the upstream, and the ids of the call', async () => {
    const headers = { 'retry-after': '7', 'retry-after-ms': '7000', 'x-ratelimit-reset-requests': '6m', 'set-cookie': 'a=b' }; // prettier-ignore
    const { error } = await openaiError({ status: 429, headers });
    const { headers: got } = error;
    expect(Object.fromEntries(['retry-after', 'retry-after-ms', 'llm_provider-x-ratelimit-reset-requests', 'llm_provider-set-cookie'].map((name) => [name, got!.get(name)]))).toEqual({
      'retry-after': '7', 'retry-after-ms': '7000', 'llm_provider-x-ratelimit-reset-requests': '6m', 'llm_provider-set-cookie': null,
    }); // prettier-ignore
    const log = await gateway.admin('GET', `/spend/logs?request_id=${got!.get('x-litellm-call-id')}`);
    expect(log.body).toMatchObject([{ status: 'failure' }]);
  });

  it.each<[number, object, number, string]>([
    [401, { message: 'Incorrect API key provided: sk-prov-***67.', code: 'invalid_api_key' }, 502, '502'],
    [403, { message: 'Your account may not use this model', code: 'forbidden' }, 502, '502'],
    [403, { message: 'Your input was flagged', code: 403 }, 403, '403'],
    [403, { message: 'no', code: 'content_policy_violation' }, 403, 'content_policy_violation'],
    [402, { message: 'Insufficient credits', code: 402 }, 402, '402'],
  ])('a %i with %j becomes %i', async (status, error, clientStatus, code) => {
    const result = await openaiError({ status, errorBody: errorBody(error) }, 2);
    expect([result.error.status, result.error.code, result.requests]).toEqual([clientStatus, code, 1]);
    if (clientStatus === 502) {
      expect(result.error.headers!.get('x-should-retry')).toBe('false');
      expect(result.error.message).toContain('refused the gateway’s own credentials');
      expect(result.error.type).toBe('upstream_error');
    }
  });

  it('gets the id of a call without an answer', async () => {
    const { error } = await openaiError({ reset: true });
    const id = error.headers!.get('x-litellm-call-id');
    expect(error.status).toBe(502);
    const log = await gateway.admin('GET', `/spend/logs?request_id=${id}`);
    expect(log.body).toMatchObject([{ status: 'failure', spend: 0 }]);
  });

  it('hears where an upstream moved to, and no more', async () => {
    const { error } = await openaiError({ status: 307, headers: { location: 'https://new.example/secret/path?k=v' } }); // prettier-ignore
    expect(error.status).toBe(502);
    expect(error.message).toContain('redirects (307) to new.example.');
    expect(error.headers!.get('x-should-retry')).toBe('false');
    expect(JSON.stringify([error.error, ...error.headers!])).not.toContain('secret');
  });

  it('gets the words of a page', async () => {
    const { error } = await openaiError({
      status: 503,
      contentType: 'text/html',
      errorBody: '<html><title>503 Service Unavailable</title></html>',
    });
    expect(error.message).toBe('503 503 Service Unavailable');
  });
});

describe('the anthropic client', () => {
  it.each([
    [529, 'overloaded_error', Anthropic.InternalServerError],
    [429, 'rate_limit_error', Anthropic.RateLimitError],
    [400, 'invalid_request_error', Anthropic.BadRequestError],
  ])('types %i by %s', async (status, type, exception) => {
    const error = await anthropicError({ status, errorBody: { type: 'error', error: { type, message: 'the words' } } }); // prettier-ignore
    expect(error).toBeInstanceOf(exception);
    expect(error.error).toMatchObject({ type: 'error', error: { type, message: 'the words' } });
    expect(error.requestID).toBe((error.error as { request_id: string }).request_id);
  });

  it('gets no word of the gateway’s own key; the log has the provider’s words', async () => {
    const echoed = { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key sk-provider-4567' } }; // prettier-ignore
    const refused = await anthropicError({ status: 401, errorBody: echoed });
    expect(refused.status).toBe(502);
    await eventually(() => expect(gateway.logs).toContain('(invalid x-api-key ****)'));
    const other = await anthropicError({ status: 400, errorBody: echoed });
    expect([refused.error, other.error].map((body) => JSON.stringify(body)).join()).not.toContain('4567');
  });

  it('gets the id of an answer', async () => {
    upstream.behave = () => ({});
    const anthropic = new Anthropic({ apiKey, baseURL: gateway.url });
    const message = await anthropic.messages.create({ model: 'm-claude', messages, max_tokens: 3 });
    const log = await gateway.admin('GET', `/spend/logs?request_id=${message._request_id}`);
    expect(log.body).toMatchObject([{ status: 'success', model: 'm-claude' }]);
  });
});

describe('an error inside a successful response', () => {
  it.each<[string, Behaviour]>([
    ['first event', { rawStream: ['data: {"error":{"message":"sank","code":503}}\n\n'] }],
    ['whole answer', { rawBody: '{"error":{"message":"sank","code":503}}' }],
    ['empty stream', { rawStream: [] }],
    ['empty answer', { rawBody: '' }],
  ])('%s: the fallback answers', async (name, behaviour) => {
    upstream.behave = (call) => (call.model === 'up-m-out' ? behaviour : {});
    const answer = await gateway.chat(apiKey, { model: 'm-out', max_tokens: 3, fallbacks: ['m-other'], stream: name.includes('first') || name.includes('stream') }); // prettier-ignore
    expect(answer.status).toBe(200);
    expect(upstream.calls.at(-1)!.model).toBe('up-m-other');
  });
});

describe('a large event', () => {
  const eventOf = (megabytes: number) =>
    `data: {"choices":[{"delta":{"content":"${'x'.repeat(megabytes * 1024 * 1024)}"}}]}\n\n`;
  const ask = () => gateway.chat(apiKey, { model: 'm-out', stream: true });

  it('passes', async () => {
    upstream.behave = () => ({ rawStream: [eventOf(20), 'data: [DONE]\n\n'] });
    const { text } = await ask();
    expect(text.length).toBeGreaterThan(20 * 1024 * 1024);
    expect(text.slice(-20)).toContain('[DONE]');
  });

  it('is refused beyond 64 MiB with the reason, and no other attempt is paid for', async () => {
    upstream.behave = () => ({ rawStream: [eventOf(66)] });
    const before = upstream.calls.length;
    const { status, body } = await ask();
    expect([status, body.error.message]).toEqual([502, 'The upstream sent an event of more than 64 MiB, which is not forwarded.']); // prettier-ignore
    expect(upstream.calls.length - before).toBe(1);
  });
});
