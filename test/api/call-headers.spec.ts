import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { eventually } from '../harness/eventually.js';
import { expectBalancedLedger } from '../harness/ledger-reader.js';
import { Gateway, model, testModels } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves LiteLLM's headers of calls, in both directions. The figures are the answers of LiteLLM 1.108.7 to the same calls. */

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const { url } = upstream;
  const perOutput = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        ...testModels(url),
        model('m-hasty', url, perOutput, { timeout: 0.3 }),
        model('m-slow', url, perOutput, { timeout: 1 }),
        model('m-bad', url, perOutput),
        model('modèle', url, perOutput),
        model('gpt-4o-mini', url, {}, { model: 'openai/gpt-4o-mini' }),
      ],
      router_settings: { fallbacks: [{ 'm-bad': ['m-out'] }, { 'm-slow': ['m-out'] }] },
    },
  });
});
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.release();
  upstream.behave = () => ({});
});

const CLIENT_TIMEOUT = 'The upstream did not answer within the timeout that the call set for itself (x-litellm-timeout or x-litellm-stream-timeout).'; // prettier-ignore
const tokens = (count: number, name = 'm-out') => ({ model: name, max_tokens: count });
const entriesSince = async (count: number) => (await gateway.books()).entries.slice(count);
const entryCount = async () => (await gateway.books()).entries.length;

describe('a client’s timeout', () => {
  it.each([
    ['x-litellm-timeout', false],
    ['x-litellm-timeout', true],
    ['x-litellm-stream-timeout', true],
  ])('%s ends its waiting (stream: %s); the call is read to its usage and billed', async (name, stream) => {
    const key = await gateway.createKey({ max_budget: 1, max_parallel_requests: 1 });
    const before = await entryCount();
    upstream.hold();
    const { status, body, headers } = await gateway.chat(key, { ...tokens(7), stream }, { [name]: '0.2' });
    expect([status, body.error.message, body.error.code]).toEqual([504, CLIENT_TIMEOUT, '504']);
    expect(headers).toMatchObject({ 'x-litellm-response-cost': '0', 'x-litellm-model-group': 'm-out' });
    // The call is still under way: it holds its money and its slot.
    expect((await gateway.chat(key, tokens(1))).body.error.type).toBe('rate_limit_exceeded');
    upstream.release();
    const [entry, ...more] = await entriesSince(before);
    expect([entry, more]).toMatchObject([{ state: 'settled', mark: null, cost: 7_000_000n }, []]);
    await eventually(async () => expect((await gateway.chat(key, tokens(1))).status).toBe(200));
    expect(await gateway.spendOf(key)).toBe(0.008);
    expectBalancedLedger(await gateway.books());
  });

  it('lets a stream go on while its parts come in time', async () => {
    upstream.behave = () => ({ msBetweenTokens: 100 });
    const key = await gateway.createKey();
    const { text } = await gateway.chat(key, { ...tokens(25), stream: true }, { 'x-litellm-timeout': '2' });
    expect(text).toContain('t24 ');
    expect(text).toContain('[DONE]');
  });

  it('ends a stream whose next part does not come: what was delivered is billed', async () => {
    upstream.behave = () => ({ tokensBefore: 3, ending: 'hang' });
    const key = await gateway.createKey();
    const before = await entryCount();
    const { status, text } = await gateway.chat(key, { ...tokens(9), stream: true }, { 'x-litellm-stream-timeout': '0.3', 'x-litellm-timeout': '100' }); // prettier-ignore
    expect(status).toBe(200);
    expect(text.match(/t\d /g)).toEqual(['t0 ', 't1 ', 't2 ']);
    expect(text).toContain(CLIENT_TIMEOUT);
    expect(text).not.toContain('[DONE]');
    expect(await entriesSince(before)).toMatchObject([{ mark: 'estimated', cost: 3_000_000n }]);
    await eventually(async () => expect(upstream.calls.at(-1)!.hungUpAt).toBeDefined());
  });

  it('of streams does not count for other calls, and none makes a call longer', async () => {
    upstream.behave = () => ({ hang: true });
    const key = await gateway.createKey();
    for (const headers of [{ 'x-litellm-stream-timeout': '0.01' }, { 'x-litellm-timeout': '60' }]) {
      const { status, body } = await gateway.chat(key, tokens(1, 'm-hasty'), headers as never);
      expect([status, body.error.message]).toEqual([504, 'The upstream did not answer in time.']);
    }
  });

  it('is followed by a fallback', async () => {
    upstream.behave = (call) => (call.model === 'up-m-slow' ? { hang: true } : {});
    const key = await gateway.createKey({ max_budget: 1 });
    const { status, body, headers } = await gateway.chat(key, tokens(2, 'm-slow'), { 'x-litellm-timeout': '0.2' }); // prettier-ignore
    expect([status, body.model]).toEqual([200, 'up-m-out']);
    expect(headers).toMatchObject({ 'x-litellm-attempted-fallbacks': '1', 'x-litellm-model-group': 'm-out' });
    await gateway.books();
    expect(await gateway.spendOf(key)).toBe(0.002);
  });

  it('of an event in place of an answer costs nothing', async () => {
    const key = await gateway.createKey();
    const before = await entryCount();
    upstream.hold();
    upstream.behave = () => ({ rawStream: ['data: {"error":{"message":"no","type":"server_error"}}\n\n'] });
    const { status } = await gateway.chat(
      key,
      { ...tokens(5), stream: true },
      { 'x-litellm-timeout': '0.2' },
    );
    expect(status).toBe(504);
    upstream.release();
    expect(await entriesSince(before)).toMatchObject([{ state: 'released' }]);
  });
});

describe('a client’s retries', () => {
  /** Lets the first calls of a model fail. */
  const failing = (count: number) => {
    let left = count;
    upstream.behave = () => (left-- > 0 ? { status: 500 } : {});
  };

  it('are made, each with a hold of its own', async () => {
    const key = await gateway.createKey({ max_budget: 0.003 });
    const before = await entryCount();
    failing(1);
    const { status, headers } = await gateway.chat(key, tokens(3), { 'x-litellm-num-retries': '2' });
    expect([status, headers]).toMatchObject([200, { 'x-litellm-attempted-retries': '1', 'x-litellm-max-retries': '2', 'x-litellm-attempted-fallbacks': '0' }]); // prettier-ignore
    expect(await entriesSince(before)).toMatchObject([{ state: 'released' }, { state: 'settled', cost: 3_000_000n }]); // prettier-ignore
  });

  it.each([
    ['0', 1],
    ['1', 2],
    ['50', 4],
  ])('%s are at most %i calls', async (retries, calls) => {
    const { length } = upstream.calls;
    failing(100);
    const { status, headers } = await gateway.chat(await gateway.createKey(), tokens(1), { 'x-litellm-num-retries': retries }); // prettier-ignore
    expect([status, upstream.calls.length - length]).toEqual([500, calls]);
    expect(headers['x-litellm-attempted-retries']).toBe(String(calls - 1));
  });
});

it.each([
  ['x-litellm-timeout', ['', '0', '-1', 'soon', 'nan', 'Infinity', '1e9', '1,2', '0x10', '9'.repeat(400)]],
  ['x-litellm-stream-timeout', ['0', 'soon']],
  ['x-litellm-num-retries', ['', '-1', '1.5', 'x', '1e3']],
])('%s that is no number is refused', async (name, values) => {
  const key = await gateway.createKey();
  const { length } = upstream.calls;
  for (const value of values) {
    const { status, body } = await gateway.chat(key, tokens(1), { [name]: value });
    expect([value, status, body.error.param]).toEqual([value, 400, name]);
  }
  expect(upstream.calls).toHaveLength(length);
});

describe('a call id of the client', () => {
  const id = 'my-call:1/a';
  const logsOf = async (requestId: string) =>
    (await gateway.admin('GET', `/spend/logs?request_id=${encodeURIComponent(requestId)}`)).body as object[];

  it('comes back and is found, also twice, with another request id beside it', async () => {
    const key = await gateway.createKey();
    for (const stream of [false, true]) {
      const { headers } = await gateway.chat(key, { ...tokens(1), stream }, { 'x-litellm-call-id': id, 'x-request-id': 'by-a-proxy' }); // prettier-ignore
      expect(headers).toMatchObject({ 'x-litellm-call-id': id, 'x-request-id': 'by-a-proxy' });
    }
    await gateway.books();
    expect(await logsOf(id)).toHaveLength(2);
    expectBalancedLedger(await gateway.books());
  });

  it('comes back with errors and refusals', async () => {
    const key = await gateway.createKey({ models: ['m-out'] });
    upstream.behave = () => ({ status: 400 });
    const failed = await gateway.chat(key, tokens(1), { 'x-litellm-call-id': id });
    expect([failed.status, failed.headers['x-litellm-call-id']]).toEqual([400, id]);
    for (const [status, answer] of [
      [403, await gateway.chat(key, tokens(1, 'm-in'), { 'x-litellm-call-id': id })],
      [400, await gateway.chat(key, { model: 7 }, { 'x-litellm-call-id': id })],
      [401, await gateway.chat('sk-nobody', tokens(1), { 'x-litellm-call-id': id })],
    ] as const)
      expect([answer.status, answer.headers['x-litellm-call-id'], answer.headers['x-litellm-response-cost']]).toEqual([status, id, '0']); // prettier-ignore
    const refused = await gateway.chat(key, tokens(1, 'm-in'));
    expect(refused.headers['x-litellm-call-id']).toBe(refused.headers['x-request-id']);
  });

  it.each(['x'.repeat(129), 'a b', 'a"b', '<script>'])('that is unusual is replaced: %s', async (unusual) => {
    const { status, headers } = await gateway.chat(await gateway.createKey(), tokens(1), { 'x-litellm-call-id': unusual }); // prettier-ignore
    expect([status, headers['x-litellm-call-id']]).toEqual([200, expect.stringMatching(/^[\da-f-]{36}$/)]);
  });
});

describe('the headers of an answer', () => {
  const USAGE = {
    prompt_tokens: 100,
    completion_tokens: 20,
    total_tokens: 120,
    prompt_tokens_details: { cached_tokens: 30 },
    completion_tokens_details: { reasoning_tokens: 5 },
  };

  it('tell the cost by its parts, as LiteLLM does', async () => {
    upstream.behave = () => ({ usage: USAGE });
    const key = await gateway.createKey({ max_budget: 1 });
    const { headers } = await gateway.chat(key, { model: 'gpt-4o-mini' });
    const costs = Object.fromEntries(
      Object.entries(headers)
        .filter(([name]) => name.startsWith('x-litellm-response-cost'))
        .map(([name, value]) => [name, Number(value)]),
    );
    expect(costs).toEqual({
      'x-litellm-response-cost': 2.475e-5,
      'x-litellm-response-cost-original': 2.475e-5,
      'x-litellm-response-cost-input': 1.05e-5,
      'x-litellm-response-cost-output': 1.2e-5,
      'x-litellm-response-cost-cache-read': 2.25e-6,
      'x-litellm-response-cost-reasoning': 3e-6,
    });
    expect(headers).toMatchObject({
      'x-litellm-key-spend': '0.00002475',
      'x-litellm-model-group': 'gpt-4o-mini',
      'x-litellm-attempted-retries': '0',
      'x-litellm-attempted-fallbacks': '0',
    });
    const durations = ['response', 'overhead'].map((what) =>
      Number(headers[`x-litellm-${what}-duration-ms`]),
    );
    expect(durations[0]! >= durations[1]! && durations[1]! >= 0).toBe(true);
    expect(headers['x-litellm-max-retries']).toBeUndefined();
  });

  it('tell that another model answered', async () => {
    upstream.behave = (call) => (call.model === 'up-m-bad' ? { status: 500 } : {});
    for (const stream of [false, true]) {
      const { headers } = await gateway.chat(await gateway.createKey(), { ...tokens(1, 'm-bad'), stream });
      expect(headers).toMatchObject({ 'x-litellm-attempted-fallbacks': '1', 'x-litellm-attempted-retries': '0', 'x-litellm-model-group': 'm-out' }); // prettier-ignore
    }
  });

  it('tell of an error: its ids, that it cost nothing, and what the key has spent', async () => {
    const key = await gateway.createKey({ max_budget: 1 });
    await gateway.chat(key, tokens(1));
    upstream.behave = () => ({ status: 500 });
    const { status, headers } = await gateway.chat(key, tokens(1));
    expect([status, headers]).toMatchObject([500, { 'x-litellm-response-cost': '0', 'x-litellm-key-spend': '0.001', 'x-litellm-key-max-budget': '1', 'x-litellm-model-group': 'm-out', 'x-litellm-call-id': expect.stringMatching(/^[\da-f-]{36}$/) }]); // prettier-ignore
  });

  it('are those of a stream as far as they are known before its first byte', async () => {
    const { headers } = await gateway.chat(await gateway.createKey(), { ...tokens(1, 'modèle'), stream: true }); // prettier-ignore
    expect(headers).toMatchObject({ 'x-litellm-model-group': 'mod%C3%A8le', 'x-litellm-attempted-retries': '0', 'x-litellm-response-duration-ms': expect.any(String) }); // prettier-ignore
    expect(headers['x-litellm-response-cost']).toBeUndefined();
  });

  it('name no address', async () => {
    const { headers } = await gateway.chat(await gateway.createKey(), tokens(1));
    expect(JSON.stringify(headers)).not.toContain(new URL(upstream.url).host);
  });

  it('have the provider’s limits under their own names, unless the gateway limits the caller', async () => {
    upstream.behave = () => ({
      headers: {
        'x-ratelimit-limit-requests': '100',
        'x-ratelimit-remaining-requests': '77',
        'anthropic-ratelimit-tokens-remaining': '5',
      },
    });
    const free = await gateway.chat(await gateway.createKey(), tokens(1));
    expect(free.headers).toMatchObject({ 'x-ratelimit-limit-requests': '100', 'x-ratelimit-remaining-requests': '77', 'x-ratelimit-remaining-tokens': '5', 'llm_provider-x-ratelimit-remaining-requests': '77' }); // prettier-ignore
    const limited = await gateway.chat(await gateway.createKey({ rpm_limit: 9 }), tokens(1));
    expect(limited.headers).toMatchObject({ 'x-ratelimit-limit-requests': '9', 'x-ratelimit-remaining-requests': '8', 'llm_provider-x-ratelimit-remaining-requests': '77' }); // prettier-ignore
    expect(limited.headers['x-ratelimit-remaining-tokens']).toBeUndefined();
  });
});

it('no header for the gateway goes upstream, and one without effect is named', async () => {
  const sent = { 'x-litellm-timeout': '100', 'x-litellm-stream-timeout': '100', 'x-litellm-num-retries': '1', 'x-litellm-call-id': 'c', 'x-litellm-tags': 'a', 'x-litellm-keepalive-seconds': '5', 'x-litellm-disable-callbacks': 'x', 'x-litellm-customer-id': 'u' }; // prettier-ignore
  const key = await gateway.createKey({ models: ['m-out'] });
  for (const stream of [false, true]) {
    const { status, headers } = await gateway.chat(key, { ...tokens(1), stream }, sent);
    expect([status, headers['x-tollgate-ignored']]).toEqual([200, 'x-litellm-keepalive-seconds, x-litellm-disable-callbacks']); // prettier-ignore
    expect(Object.keys(upstream.calls.at(-1)!.headers).filter((name) => /litellm|tollgate/.test(name))).toEqual([]); // prettier-ignore
  }
  upstream.behave = () => ({ status: 400 });
  expect((await gateway.chat(key, tokens(1), sent)).headers['x-tollgate-ignored']).toBe('x-litellm-keepalive-seconds, x-litellm-disable-callbacks'); // prettier-ignore
  expect((await gateway.chat(key, tokens(1))).headers['x-tollgate-ignored']).toBeUndefined();
});
