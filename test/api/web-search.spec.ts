import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/**
 * Proves the accounting of web searches by the provider. The call holds for as many as allowed, and pays for those in the
 * response.
 */

let upstream: Upstream;
let gateway: Gateway;
const bySize = {
  search_context_cost_per_query: { search_context_size_low: 0.005, search_context_size_high: 0.01 },
};
const price = { input_cost_per_token: 0.00001, output_cost_per_token: 0.001, max_input_tokens: 1_000 };
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('m-search', upstream.url, { ...price, ...bySize }),
        model('m-unpriced', upstream.url, price),
        model('m-known', upstream.url, price, { model: 'openai/gpt-5-codex' }),
        model(
          'm-free',
          upstream.url,
          { input_cost_per_token: 0, output_cost_per_token: 0 },
          { model: 'openai/gpt-5' },
        ),
        model('m-elsewhere', upstream.url, { ...price, ...bySize }, { model: 'openrouter/vendor/x' }),
        model('m-claude', upstream.url, { ...price, ...bySize }, { model: 'anthropic/m-claude' }),
      ],
    },
  });
});
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.behave = () => ({});
});

const RESPONSES = '/v1/responses';
const MESSAGES = '/v1/messages';
const search = { type: 'web_search', external_web_access: true };
const asked = { input: 'a', max_output_tokens: 16, tools: [{ type: 'function', name: 'f' }, search] };
const claude = { messages: [{ role: 'user', content: 'a' }], max_tokens: 10 };
const called = (action?: object) => ({
  type: 'web_search_call',
  id: 'ws',
  status: 'completed',
  ...(action && { action }),
});
const response = (...output: object[]) => ({
  id: 'r',
  object: 'response',
  status: 'completed',
  output,
  usage: { input_tokens: 500, output_tokens: 10, total_tokens: 510 },
});
const USED = 500 * 0.00001 + 10 * 0.001;

const send = async (path: string, body: object, max_budget: number | null = 5) => {
  const key = await gateway.createKey(
    max_budget === null ? {} : { max_budget: Number(max_budget.toFixed(9)) },
  );
  const before = upstream.calls.length;
  const answer = await gateway.as(key, 'POST', path, body);
  await gateway.books();
  const sent = upstream.calls.length > before ? upstream.calls.at(-1)! : undefined;
  return { ...answer, sent, spend: await gateway.spendOf(key) };
};

describe('a search of Responses', () => {
  it.each([
    [{}, 10, 1],
    [{ max_tool_calls: 3 }, 3, 3],
    [{ max_tool_calls: null }, 10, 1],
  ])('is limited where a budget applies: %j', async (some, most, fewest) => {
    const { status, sent } = await send(RESPONSES, { model: 'm-search', ...asked, ...some });
    expect([status, sent?.body.max_tool_calls]).toEqual([200, most]);
    // Each search may fill the model's context beside the prompt: 1,000 tokens.
    const least = fewest * (0.01 + 1_000 * 0.00001) + 16 * 0.001;
    expect((await send(RESPONSES, { model: 'm-search', ...asked, ...some }, least)).status).toBe(429);
    expect((await send(RESPONSES, { model: 'm-search', ...asked, ...some }, least + 0.01)).status).toBe(200);
  });

  it('is limited to what the budget pays for beside a useful answer, and a header tells the limit', async () => {
    const oneSearch = 0.01 + 1_000 * 0.00001;
    const limits = [];
    for (const searches of [1, 2, 5]) {
      const { status, headers, sent } = await send(
        RESPONSES,
        { model: 'm-search', ...asked },
        (searches + 0.3) * oneSearch + 16 * 0.001,
      );
      expect([status, headers['x-tollgate-max-tool-calls']]).toEqual([
        200,
        String(sent?.body.max_tool_calls),
      ]);
      limits.push(sent?.body.max_tool_calls);
    }
    expect(limits).toEqual([1, 2, 5]);
    const own = await send(RESPONSES, { model: 'm-search', ...asked, max_tool_calls: 2 });
    expect(own.headers['x-tollgate-max-tool-calls']).toBeUndefined();
  });

  it('is forwarded as it is where none does', async () => {
    const { status, sent } = await send(RESPONSES, { model: 'm-search', ...asked }, null);
    expect([status, sent?.body.max_tool_calls]).toEqual([200, undefined]);
  });

  it.each([[5], [null]])('is billed by what the answer counts, budget %s', async (budget) => {
    const output = [called(), called({ type: 'search', query: 'q' }), called({ type: 'open_page' })];
    upstream.behave = () => ({ rawBody: JSON.stringify(response(...output)) });
    const { spend } = await send(RESPONSES, { model: 'm-search', ...asked }, budget);
    expect(spend).toBeCloseTo(USED + 0.02, 9);
  });

  it('… of a stream too, and as far as it came where that breaks off', async () => {
    const event = (type: string, more: object = {}) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
    const searched = event('response.web_search_call.completed', { item_id: 'ws' });
    const delta = event('response.output_text.delta', { delta: 'word' });
    const last = event('response.completed', { response: response(called(), called()) });
    const streamed = async (...rawStream: string[]) => {
      upstream.behave = () => ({ rawStream });
      return (await send(RESPONSES, { model: 'm-search', ...asked, stream: true })).spend;
    };
    expect(await streamed(searched, searched, delta, last)).toBeCloseTo(USED + 0.02, 9);
    const broken = await streamed(searched, delta);
    expect(broken).toBeGreaterThan(0.011);
    expect(broken).toBeLessThan(0.02);
  });

  it('has the price of the table where the model is known', async () => {
    const { status, sent } = await send(RESPONSES, { model: 'm-known', ...asked });
    expect([status, sent?.body.max_tool_calls]).toEqual([200, 10]);
  });

  it.each([
    [
      'm-unpriced',
      "The call asks for the tool 'web_search', whose cost no price of model=m-unpriced contains",
    ],
    [
      'm-elsewhere',
      "The call asks for the tool 'web_search', whose cost no price of model=m-elsewhere contains",
    ],
  ])(
    'is refused while a budget applies where nobody knows its price, or nobody limits it: %s',
    async (name, message) => {
      const { status, body, sent } = await send(RESPONSES, { model: name, ...asked });
      expect([status, body.error.type, body.error.param, sent]).toEqual([
        403,
        'model_cost_map_missing',
        'tools',
        undefined,
      ]);
      expect(body.error.message).toContain(message);
      expect((await send(RESPONSES, { model: name, ...asked }, null)).status).toBe(200);
    },
  );

  it('of a model that is free is free', async () => {
    expect((await send(RESPONSES, { model: 'm-free', ...asked }, 0)).status).toBe(200);
  });

  it('beside a tool of another fee is refused', async () => {
    const tools = [search, { type: 'code_interpreter', container: { type: 'auto' } }];
    expect((await send(RESPONSES, { model: 'm-search', ...asked, tools })).status).toBe(403);
  });
});

describe('a search of Messages', () => {
  const web = { type: 'web_search_20250305', name: 'web_search' };
  it.each<[object[], object[], number]>([
    [[web], [{ ...web, max_uses: 10 }], 1],
    [[{ ...web, max_uses: 2 }], [{ ...web, max_uses: 2 }], 2],
    [
      [{ name: 'f', input_schema: { type: 'object' } }, web, { ...web, max_uses: 1 }],
      [
        { name: 'f', input_schema: { type: 'object' } },
        { ...web, max_uses: 10 },
        { ...web, max_uses: 1 },
      ],
      2,
    ],
  ])('is limited where a budget applies: %j', async (tools, limitedTools, most) => {
    const body = { model: 'm-claude', ...claude, tools };
    const { status, sent } = await send(MESSAGES, body);
    expect([status, sent?.body.tools]).toEqual([200, limitedTools]);
    const least = most * (0.01 + 1_000 * 0.00001) + 10 * 0.001;
    expect((await send(MESSAGES, body, least)).status).toBe(429);
    expect((await send(MESSAGES, body, least + 0.03)).status).toBe(200);
    expect((await send(MESSAGES, body, null)).sent?.body.tools).toEqual(tools);
  });

  it('keeps every other byte of its tools', async () => {
    const raw = `{"model":"m-claude","max_tokens":10,"messages":[],"tools": [ {"name":"n","input_schema":{"const":1e400,"x":12345678901234567890}} ,\n{ "type":"web_search_20250305","name":"w\\u0065b"}]}`;
    const key = await gateway.createKey({ max_budget: 5 });
    expect((await gateway.as(key, 'POST', MESSAGES, raw)).status).toBe(200);
    expect(upstream.calls.at(-1)!.rawBody.toString()).toContain(
      raw.slice(raw.indexOf('"tools"')).replace('{ "type"', '{"max_uses":10, "type"'),
    );
  });

  it.each([null, 0, 1.5, '2', 1e9])('with max_uses %j is no call', async (max_uses) => {
    const { status, body, sent } = await send(MESSAGES, {
      model: 'm-claude',
      ...claude,
      tools: [{ ...web, max_uses }],
    });
    expect([status, body.error.param, sent]).toEqual([400, 'tools', undefined]);
  });

  it('is billed by what the answer counts', async () => {
    const usage = { input_tokens: 500, output_tokens: 10, server_tool_use: { web_search_requests: 3 } };
    upstream.behave = () => ({
      rawBody: JSON.stringify({
        id: 'm',
        type: 'message',
        role: 'assistant',
        content: [],
        stop_reason: 'end_turn',
        usage,
      }),
    });
    expect((await send(MESSAGES, { model: 'm-claude', ...claude, tools: [web] })).spend).toBeCloseTo(
      USED + 0.03,
      9,
    );
    const event = (data: { type: string } & Record<string, unknown>) =>
      `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
    upstream.behave = () => ({
      rawStream: [
        event({ type: 'message_start', message: { usage: { input_tokens: 500, output_tokens: 1 } } }),
        event({
          type: 'message_delta',
          delta: {},
          usage: { output_tokens: 10, server_tool_use: { web_search_requests: 2 } },
        }),
        event({ type: 'message_stop' }),
      ],
    });
    expect(
      (await send(MESSAGES, { model: 'm-claude', ...claude, tools: [web], stream: true })).spend,
    ).toBeCloseTo(USED + 0.02, 9);
  });
});
