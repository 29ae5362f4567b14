import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { expectBalancedLedger } from '../harness/ledger-reader.js';
import { Upstream } from '../harness/upstream.js';

/** Proves that chats of a model of Anthropic's API are answered as chats, at the right price. */

const PRICES = {
  input_cost_per_token: 0.000003,
  output_cost_per_token: 0.000015,
  cache_read_input_token_cost: 0.0000003,
  cache_creation_input_token_cost: 0.00000375,
  cache_creation_input_token_cost_above_1hr: 0.000006,
};
const USAGE = {
  input_tokens: 20,
  cache_creation_input_tokens: 300,
  cache_read_input_tokens: 1000,
  cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
  output_tokens: 50,
  service_tier: 'standard',
};
/** 20 × 3 + 1,000 × 0.3 + 100 × 3.75 + 200 × 6 + 50 × 15 millionths of a dollar. */
const COST = 2_685_000n;
const MESSAGE = {
  id: 'msg_01',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [
    { type: 'thinking', thinking: 'Let me think', signature: 'c2ln' },
    { type: 'redacted_thinking', data: 'cmVk' },
    { type: 'text', text: 'I look.' },
    { type: 'tool_use', id: 'toolu_A', name: 'look_up', input: { town: 'Ulm' } },
    { type: 'tool_use', id: 'toolu_B', name: 'no_args', input: {} },
  ],
  stop_reason: 'tool_use',
  stop_sequence: null,
  usage: USAGE,
};
const event = (data: { readonly type: string }) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const delta = (index: number, one: object) =>
  event({ type: 'content_block_delta', index, delta: one } as never);
const start = (index: number, content_block: object) =>
  event({ type: 'content_block_start', index, content_block } as never);
const stop = (index: number) => event({ type: 'content_block_stop', index } as never);
const BEGIN = event({
  type: 'message_start',
  message: { ...MESSAGE, content: [], stop_reason: null, usage: { ...USAGE, output_tokens: 1 } },
} as never);
const EVENTS = [
  BEGIN,
  event({ type: 'ping' }),
  start(0, { type: 'thinking', thinking: '', signature: '' }),
  delta(0, { type: 'thinking_delta', thinking: 'Let me ' }),
  delta(0, { type: 'thinking_delta', thinking: 'think' }),
  delta(0, { type: 'signature_delta', signature: 'c2ln' }),
  stop(0),
  start(1, { type: 'redacted_thinking', data: 'cmVk' }),
  stop(1),
  start(2, { type: 'text', text: '' }),
  delta(2, { type: 'text_delta', text: 'I ' }),
  delta(2, { type: 'text_delta', text: 'look.' }),
  stop(2),
  start(3, { type: 'tool_use', id: 'toolu_A', name: 'look_up', input: {} }),
  delta(3, { type: 'input_json_delta', partial_json: '{"town": ' }),
  delta(3, { type: 'input_json_delta', partial_json: '"Ulm"}' }),
  stop(3),
  start(4, { type: 'tool_use', id: 'toolu_B', name: 'no_args', input: {} }),
  stop(4),
];
const END = [
  event({ type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 50 } } as never), // prettier-ignore
  event({ type: 'message_stop' }),
];

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const claude = { ...PRICES, max_input_tokens: 20_000, max_output_tokens: 1_000 };
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('claude', upstream.url, claude, { model: 'anthropic/claude-sonnet-4-5' }),
        model('claude-drops', upstream.url, claude, {
          model: 'anthropic/claude-sonnet-4-5',
          drop_params: true,
        }),
        model('m-out', upstream.url, PRICES),
      ],
      litellm_settings: { num_retries: 0 },
    },
  });
});
afterAll(() => closeAll(gateway, upstream));
afterEach(async () => {
  upstream.behave = () => ({});
  expectBalancedLedger(await gateway.books());
});

/** A prompt that may have as many tokens as the scripted answers report. */
const hello = [{ role: 'user', content: 'hi '.repeat(2_000) }];
const chat = (key: string, body: object) =>
  gateway.as(key, 'POST', '/v1/chat/completions', { model: 'claude', messages: hello, ...body });
const lastEntry = async () => (await gateway.books()).entries.at(-1)!;
const eventsOf = (text: string) =>
  text
    .split('\n\n')
    .filter(Boolean)
    .map((one) => one.replace(/^data: /, ''));

describe('a whole answer', () => {
  it('is a chat completion, with what the model thought, the calls of tools and all classes of tokens', async () => {
    upstream.behave = () => ({ rawBody: JSON.stringify(MESSAGE) });
    const { status, body, headers } = await chat(await gateway.createKey({ max_budget: 1 }), {
      max_tokens: 60,
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      id: 'msg_01',
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'claude-sonnet-4-5-20250929',
      choices: [
        {
          index: 0,
          logprobs: null,
          finish_reason: 'tool_calls',
          native_finish_reason: 'tool_use',
          message: {
            role: 'assistant',
            content: 'I look.',
            reasoning_content: 'Let me think',
            thinking_blocks: [
              { type: 'thinking', thinking: 'Let me think', signature: 'c2ln' },
              { type: 'redacted_thinking', data: 'cmVk' },
            ],
            tool_calls: [
              { id: 'toolu_A', type: 'function', function: { name: 'look_up', arguments: '{"town":"Ulm"}' } },
              { id: 'toolu_B', type: 'function', function: { name: 'no_args', arguments: '{}' } },
            ],
          },
        },
      ],
      usage: expect.objectContaining({
        prompt_tokens: 1_320,
        completion_tokens: 50,
        total_tokens: 1_370,
        cache_read_input_tokens: 1_000,
        cache_creation_input_tokens: 300,
      }),
    });
    expect(headers['x-tollgate-translated']).toBe('chat->anthropic');
    expect(headers['x-litellm-response-cost']).toBe('0.002685');
    expect(await lastEntry()).toMatchObject({ state: 'settled', mark: null, cost: COST });
    expect(upstream.calls.at(-1)!.path).toBe('/v1/messages');
    expect(upstream.calls.at(-1)!.headers).toMatchObject({
      'x-api-key': 'sk-provider-key-of-the-tests',
      'anthropic-version': '2023-06-01',
    });
    expect(upstream.calls.at(-1)!.headers.authorization).toBeUndefined();
  });

  it('that the package cannot read is billed, and the client is told', async () => {
    upstream.behave = () => ({ rawBody: JSON.stringify({ ...MESSAGE, content: [{ type: 'strange' }] }) });
    const { status, body } = await chat(await gateway.createKey(), {});
    expect([status, body.error.message]).toEqual([502, expect.stringContaining('cannot be translated')]);
    expect(await lastEntry()).toMatchObject({ state: 'settled', mark: 'failed', cost: COST });
  });
});

describe('a stream', () => {
  it('comes in chunks: the role first, thoughts, text, tools by their index, then usage and the end', async () => {
    upstream.behave = () => ({ rawStream: [...EVENTS, ...END] });
    const ask = { stream: true, stream_options: { include_usage: true } };
    const { status, text, headers } = await chat(await gateway.createKey({ max_budget: 1 }), ask);
    expect([status, headers['x-tollgate-translated']]).toEqual([200, 'chat->anthropic']);
    const events = eventsOf(text);
    expect(events.pop()).toBe('[DONE]');
    const chunks = events.map((one) => JSON.parse(one));
    expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set(['msg_01']));
    expect(chunks.pop()).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 1_320, completion_tokens: 50 },
    });
    expect(chunks.map(({ choices: [{ delta: one }] }) => one)).toEqual([
      { role: 'assistant', content: '' },
      { reasoning_content: 'Let me ', thinking_blocks: [{ type: 'thinking', thinking: 'Let me ' }] },
      { reasoning_content: 'think', thinking_blocks: [{ type: 'thinking', thinking: 'think' }] },
      { reasoning_content: '', thinking_blocks: [{ type: 'thinking', thinking: '', signature: 'c2ln' }] },
      { reasoning_content: '', thinking_blocks: [{ type: 'redacted_thinking', data: 'cmVk' }] },
      { content: 'I ' },
      { content: 'look.' },
      {
        tool_calls: [
          { index: 0, id: 'toolu_A', type: 'function', function: { name: 'look_up', arguments: '' } },
        ],
      },
      { tool_calls: [{ index: 0, function: { arguments: '{"town": ' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '"Ulm"}' } }] },
      {
        tool_calls: [
          { index: 1, id: 'toolu_B', type: 'function', function: { name: 'no_args', arguments: '' } },
        ],
      },
      { tool_calls: [{ index: 1, function: { arguments: '{}' } }] },
      {},
    ]);
    expect(chunks.at(-1).choices[0]).toMatchObject({ finish_reason: 'tool_calls' });
    expect(await lastEntry()).toMatchObject({ state: 'settled', mark: null, cost: COST });
  });

  it('shows no usage to a client that did not ask for it, and is billed all the same', async () => {
    upstream.behave = () => ({ rawStream: [...EVENTS, ...END], staysOpen: true });
    const { text } = await chat(await gateway.createKey({ max_budget: 1 }), { stream: true });
    expect(text).not.toContain('"usage"');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(await lastEntry()).toMatchObject({ state: 'settled', mark: null, cost: COST });
  });

  it('that breaks off is an error without an end, and billed by what came', async () => {
    upstream.behave = () => ({ rawStream: EVENTS.slice(0, 12), ending: 'end' });
    const { text } = await chat(await gateway.createKey({ max_budget: 1 }), { stream: true });
    expect(text).not.toContain('[DONE]');
    expect(text).not.toContain('"finish_reason":"');
    expect(JSON.parse(eventsOf(text).at(-1)!).error.code).toBe('502');
    const { mark, cost } = await lastEntry();
    expect(mark).toBe('unconfirmed');
    expect(cost).toBeGreaterThan(1_935_000n);
    expect(cost).toBeLessThan(COST);
  });

  it('that the provider ends with an error says so in OpenAI’s form', async () => {
    const error = event({
      type: 'error',
      error: { type: 'overloaded_error', message: 'Overloaded' },
    } as never);
    upstream.behave = () => ({ rawStream: [...EVENTS.slice(0, 12), error] });
    const { text } = await chat(await gateway.createKey({ max_budget: 1 }), { stream: true });
    expect(text).not.toContain('[DONE]');
    expect(JSON.parse(eventsOf(text).at(-1)!).error).toMatchObject({ message: 'Overloaded', code: '529' });
    expect((await lastEntry()).mark).toMatch(/unconfirmed|failed/);
  });

  it.each([
    ['half a JSON', 'event: content_block_delta\ndata: {"type":"content_bl\n\n'],
    ['an unknown event', 'event: x\ndata: {"type":"x"}\n\n'],
  ])('with %s harms only its own call', async (_, bad) => {
    upstream.behave = () => ({ rawStream: [...EVENTS.slice(0, 12), bad, ...END] });
    const { text } = await chat(await gateway.createKey({ max_budget: 1 }), { stream: true });
    expect(text).not.toContain('[DONE]');
    expect(JSON.parse(eventsOf(text).at(-1)!).error.code).toBe('502');
    upstream.behave = () => ({ rawBody: JSON.stringify(MESSAGE) });
    expect((await chat(await gateway.createKey(), {})).status).toBe(200);
  });
});

describe('money', () => {
  it('the output limit that is sent is the one that was held, thoughts included', async () => {
    // The prompt costs at most 20,000 tokens of input; the budget leaves room for few tokens of output.
    const key = await gateway.createKey({ max_budget: 0.016 });
    const { headers, status } = await chat(key, { max_tokens: 900 });
    expect(status).toBe(200);
    const sent = upstream.calls.at(-1)!.body.max_tokens as number;
    expect(headers['x-tollgate-clamped'] ?? String(sent)).toBe(String(sent));
    expect(sent).toBeLessThanOrEqual(900);
    const thinking = { type: 'enabled', budget_tokens: 1_024 };
    await chat(await gateway.createKey({ max_budget: 1 }), { max_tokens: 2_000, thinking });
    // The model writes at most 1,000 tokens here, so that the call was refused before anything was sent.
    expect(upstream.calls.at(-1)!.body.thinking).toBeUndefined();
  });

  it('a call without a limit gets the model’s own, with and without a budget', async () => {
    for (const fields of [{}, { max_budget: 1 }]) {
      await chat(await gateway.createKey(fields), {});
      expect(upstream.calls.at(-1)!.body.max_tokens).toBe(1_000);
    }
  });
});

describe('what the provider does not have', () => {
  it.each([
    ['n', 2],
    ['logprobs', true],
    ['seed', 7],
    ['logit_bias', { 50: -100 }],
    ['frequency_penalty', 0.5],
    ['service_tier', 'flex'],
    ['functions', [{ name: 'f' }]],
  ])('%s is 400, or dropped', async (name, value) => {
    const before = upstream.calls.length;
    const key = await gateway.createKey({ max_budget: 1 });
    const { status, body } = await chat(key, { [name]: value });
    expect([status, body.error.param, upstream.calls.length]).toEqual([400, name, before]);
    expect((await chat(key, { [name]: value, model: 'claude-drops' })).status).toBe(200);
    expect(upstream.calls.at(-1)!.body).not.toHaveProperty(name);
  });
});

describe('errors of the provider', () => {
  it.each([
    [400, 'invalid_request_error', 400],
    [404, 'not_found_error', 404],
    [413, 'request_too_large', 413],
    [429, 'rate_limit_error', 429],
    [500, 'api_error', 500],
  ])('%i %s keeps its status, words and time', async (status, type, expected) => {
    upstream.behave = () => ({
      status,
      errorBody: { type: 'error', error: { type, message: 'made-up reason' } },
      headers: { 'retry-after': '7' },
    });
    for (const stream of [false, true]) {
      const answer = await chat(await gateway.createKey(), { stream });
      expect([answer.status, answer.body.error.type, answer.body.error.message]).toEqual([expected, type, 'made-up reason']); // prettier-ignore
      expect(answer.headers['retry-after']).toBe('7');
    }
  });

  it('a prompt that is too long has the code that clients look for', async () => {
    upstream.behave = () => ({
      status: 400,
      errorBody: { type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long: 250000 tokens > 200000 maximum' } },
    }); // prettier-ignore
    const { body } = await chat(await gateway.createKey(), {});
    expect(body.error.code).toBe('context_length_exceeded');
  });
});

it('OpenAI’s client runs a tool in a loop, with the thoughts of the model going back', async () => {
  const client = new OpenAI({
    apiKey: await gateway.createKey(),
    baseURL: `${gateway.url}/v1`,
    maxRetries: 0,
  });
  const tools = [
    { type: 'function' as const, function: { name: 'look_up', parameters: { type: 'object' } } },
  ];
  upstream.behave = () => ({ rawBody: JSON.stringify(MESSAGE) });
  const first = await client.chat.completions.create({ model: 'claude', messages: [{ role: 'user', content: 'Ulm?' }], tools }); // prettier-ignore
  const answer = first.choices[0]!.message;
  const results = answer.tool_calls!.map(({ id }) => ({
    role: 'tool' as const,
    tool_call_id: id,
    content: 'rain',
  }));
  await client.chat.completions.create({ model: 'claude', messages: [{ role: 'user', content: 'Ulm?' }, answer, ...results], tools }); // prettier-ignore
  expect(upstream.calls.at(-1)!.body.messages).toEqual([
    { role: 'user', content: [{ type: 'text', text: 'Ulm?' }] },
    { role: 'assistant', content: MESSAGE.content },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'toolu_A', content: 'rain' },
        { type: 'tool_result', tool_use_id: 'toolu_B', content: 'rain' },
      ],
    },
  ]);
});
