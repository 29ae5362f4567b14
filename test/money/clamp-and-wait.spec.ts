import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

/** Prices: output costs $0.001 a token, input nothing. */
const price = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
let upstream: Upstream;
let gateway: Gateway;
let strict: Gateway;
/** Waits for as long as a busy machine may need. */
let patient: Gateway;
const start = (general_settings: object) =>
  Gateway.start({
    upstream,
    config: {
      model_list: [
        model('m-out', upstream.url, price),
        model('m-agent', upstream.url, { input_cost_per_token: 0.000_003, output_cost_per_token: 0.000_015, max_output_tokens: 64_000 }), // prettier-ignore
        model('m-claude', upstream.url, { input_cost_per_token: 0.000_003, output_cost_per_token: 0.000_015, max_output_tokens: 64_000 }, { model: 'anthropic/up-m-claude' }), // prettier-ignore
        model('m-vllm', upstream.url, price, { model: 'hosted_vllm/up-m-vllm' }),
        model('m-embed', upstream.url, { input_cost_per_token: 0.001, output_cost_per_token: 0 }),
      ],
      general_settings,
    },
  });
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await start({ budget_wait_ms: 400, min_output_tokens: 50, default_hold_tokens: 100 });
  strict = await start({ budget_wait_ms: 0, budget_clamp: false });
  patient = await start({ budget_wait_ms: 60_000, min_output_tokens: 50, default_hold_tokens: 100 });
});
afterAll(() => closeAll(gateway, strict, patient, upstream));
afterEach(() => {
  upstream.release();
  upstream.behave = () => ({});
});

const chat = (key: string, max_tokens?: number, more: object = {}, at = gateway): Promise<Answer> =>
  at.chat(key, { model: 'm-out', ...(max_tokens !== undefined && { max_tokens }), ...more });
const clamped = ({ status, headers }: Answer) => ({ status, to: headers['x-tollgate-clamped'] });
const lastBody = () => upstream.calls.at(-1)!.body;

describe('too big for what is left', () => {
  it('a call without a limit is given one that fits', async () => {
    const key = await gateway.createKey({ max_budget: 0.3 });
    expect(clamped(await chat(key))).toEqual({ status: 200, to: '300' });
    expect(lastBody()).toMatchObject({ max_tokens: 300 });
    expect(lastBody()).not.toHaveProperty('max_completion_tokens');
  });

  it('a limit the client named is lowered, and stands once', async () => {
    const key = await gateway.createKey({ max_budget: 0.3 });
    expect(clamped(await chat(key, 1_000, { max_completion_tokens: 2_000 }))).toEqual({
      status: 200,
      to: '300',
    });
    expect(lastBody()).toMatchObject({ max_tokens: 300 });
    expect(lastBody()).not.toHaveProperty('max_completion_tokens');
  });

  it('with tools it is cut to a quarter of what it asks for, and no further', async () => {
    const tools = { tools: [{ type: 'function', function: { name: 'f' } }] };
    const key = await gateway.createKey({ max_budget: 0.3 });
    const refused = await chat(key, 1_201, tools);
    expect([refused.status, refused.headers['x-should-retry']]).toEqual([429, 'false']);
    expect(refused.body.error.details).toMatchObject({
      needed: 0.301,
      asked: 1.201,
      output_tokens: { asked: 1_201, least: 301, fits: 300 },
      retryable: false,
    });
    expect(refused.body.error.message).toContain('What is left pays for 300 output tokens; this call asks for 1201 and takes no less than 301.'); // prettier-ignore
    expect(clamped(await chat(key, 1_200, tools))).toEqual({ status: 200, to: '300' });
    const small = await gateway.createKey({ max_budget: 0.099 });
    // The default hold is 100 tokens here.
    expect((await chat(small, undefined, tools)).body.error.details).toMatchObject({ needed: 0.1 });
    expect(clamped(await chat(small, 300, tools))).toEqual({ status: 200, to: '99' });
  });

  it('is told in the answer, in the log and in the spend log, where it can be filtered', async () => {
    const key = await gateway.createKey({ max_budget: 0.3, key_alias: 'agent-7' });
    upstream.behave = () => ({ completionTokens: 10 });
    const answers = [
      await chat(key, 1_000, { stream: true }),
      await chat(key),
      await chat(key, 20),
      await chat(key, 1_000, { stream: true }),
    ];
    expect(answers.map(({ headers }) => headers['x-tollgate-clamped'])).toEqual(['300', '290', undefined, '270']); // prettier-ignore
    await gateway.books();
    const today = { start_date: '2020-01-01', end_date: '2100-01-01' };
    const log = async (filter: object) => {
      const query = new URLSearchParams({ ...today, api_key: key, sort_order: 'asc', ...filter });
      const { body } = await gateway.admin('GET', `/spend/logs/v2?${query}`);
      return (body.data as { metadata: { clamped: unknown } }[]).map(({ metadata }) => metadata.clamped);
    };
    const clamps = [{ asked: 1_000, sent: 300 }, { asked: 100_000, sent: 290 }, { asked: 1_000, sent: 270 }]; // prettier-ignore
    expect(await log({})).toEqual([clamps[0], clamps[1], null, clamps[2]]);
    expect(await log({ clamped: true })).toEqual(clamps);
    expect(await log({ clamped: false })).toEqual([null]);
    await eventually(() => {
      const lines = gateway.logs
        .split('\n')
        .filter((line) => line.includes('"clamp"') && line.includes('agent-7'));
      const fields = { event: 'clamp', model: 'm-out', request_id: answers[0]!.headers['x-request-id'] };
      expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
        { ...fields, scopes: { key: 'agent-7' }, asked_output_tokens: 1_000, sent_output_tokens: 300 },
        { sent_output_tokens: 290 },
        { sent_output_tokens: 270 },
      ]);
    });
  });

  it('a call that needs all its output for thinking is refused with what it needs and what is left', async () => {
    const key = await gateway.createKey({ max_budget: 0.4 });
    const turn = (budget_tokens: number) =>
      gateway.as(key, 'POST', '/v1/messages', {
        model: 'm-claude',
        max_tokens: 32_000,
        thinking: { type: 'enabled', budget_tokens },
        messages: [{ role: 'user', content: 'Write a file.' }],
        tools: [{ name: 'write_file', input_schema: { type: 'object' } }],
      });
    const { status, headers, body } = await turn(31_999);
    expect([status, headers['x-should-retry']]).toEqual([429, 'false']);
    const { output_tokens, needed, asked } = body.error.details;
    expect(output_tokens).toMatchObject({ asked: 32_000, least: 32_000 });
    expect(needed).toBe(asked);
    expect(body.error.message).toContain(`What is left pays for ${output_tokens.fits} output tokens; this call asks for 32000 and takes no less than 32000. Lower the output limit of the call (max_tokens; with thinking also thinking.budget_tokens)`); // prettier-ignore
    expect(clamped(await turn(10_000))).toEqual({ status: 200, to: String(output_tokens.fits) });
  });

  it('another provider is told in its own word, and a stream is clamped alike', async () => {
    const key = await gateway.createKey({ max_budget: 0.3 });
    expect(clamped(await chat(key, undefined, { model: 'm-vllm', stream: true }))).toEqual({
      status: 200,
      to: '300',
    });
    expect(lastBody()).toMatchObject({ max_tokens: 300 });
  });

  it('several answers share what is left', async () => {
    const key = await gateway.createKey({ max_budget: 0.31 });
    expect(clamped(await chat(key, 500, { n: 3 }))).toEqual({ status: 200, to: '103' });
    expect(await gateway.spendOf(key)).toBe(0.309);
  });

  it('less than is worth calling for is refused, for good', async () => {
    const key = await gateway.createKey({ max_budget: 0.049 });
    const { status, headers, body } = await chat(key);
    expect([status, headers['x-should-retry']]).toEqual([429, 'false']);
    expect(body.error.details).toMatchObject({ needed: 0.05, limit: 0.049, retryable: false });
    expect((await chat(key, 49)).status).toBe(200);
  });

  it('what writes nothing cannot be made smaller', async () => {
    const key = await gateway.createKey({ max_budget: 0.3 });
    const { status } = await gateway.as(key, 'POST', '/v1/embeddings', {
      model: 'm-embed',
      input: 'a word '.repeat(500),
    });
    expect(status).toBe(429);
  });

  it('is refused where clamping is turned off', async () => {
    const key = await strict.createKey({ max_budget: 0.3 });
    expect((await chat(key, 301, {}, strict)).status).toBe(429);
    expect(clamped(await chat(key, 300, {}, strict))).toEqual({ status: 200, to: undefined });
  });

  it('is explained as it is decided', async () => {
    for (const [max_budget, decision] of [
      [0.049, false],
      [0.05, true],
    ] as const) {
      const key = await gateway.createKey({ max_budget });
      const { body } = await gateway.admin('POST', '/access/v1/evaluation', {
        subject: { type: 'key', id: key },
        action: { name: 'call' },
        resource: { type: 'model', id: 'm-out' },
      });
      expect(body.decision).toBe(decision);
      expect((await chat(key)).status).toBe(decision ? 200 : 429);
    }
  });

  it('an explanation says to what it would be cut, or what it lacks', async () => {
    const key = await gateway.createKey({ max_budget: 0.3 });
    const explained = async (max_tokens: number) =>
      (
        await gateway.admin('POST', '/access/v1/evaluation', {
          subject: { type: 'key', id: key },
          action: { name: 'call' },
          resource: { type: 'model', id: 'm-out' },
          context: {
            body: { max_tokens, tools: [{ type: 'function', function: { name: 'f' } }], messages: [] },
          },
        })
      ).body as { decision: boolean; context: Record<string, unknown> };
    const whole = await explained(300);
    expect([whole.decision, whole.context.clamped]).toEqual([true, undefined]);
    expect(await explained(1_200)).toMatchObject({
      decision: true,
      context: { clamped: { asked: 1_200, sent: 300 } },
    });
    const { decision, context } = await explained(1_201);
    expect([decision, context.clamped]).toEqual([false, undefined]);
    expect(context.details).toMatchObject({ output_tokens: { asked: 1_201, least: 301, fits: 300 } });
  });
});

/** Starts a call that holds `tokens` of the key's budget until the upstream is released. */
async function underWay(key: string, tokens: number, at = gateway): Promise<{ over: Promise<Answer> }> {
  const before = upstream.calls.length;
  upstream.hold();
  const over = chat(key, tokens, {}, at);
  await upstream.arrived(before + 1);
  return { over };
}

const inFlight = (count: number) =>
  eventually(async () =>
    expect((await patient.admin('GET', '/metrics')).text).toContain(`tollgate_calls_in_flight ${count}\n`),
  );

describe('others’ calls are in the way', () => {
  it('it waits for them, and passes whole', async () => {
    const key = await patient.createKey({ max_budget: 0.1 });
    upstream.behave = ({ body }) => ({ completionTokens: body.max_tokens === 100 ? 10 : 20 });
    const first = await underWay(key, 100, patient);
    const second = chat(key, 60, {}, patient);
    await inFlight(2);
    upstream.release();
    expect((await first.over).status).toBe(200);
    expect(clamped(await second)).toEqual({ status: 200, to: undefined });
    expect(await patient.spendOf(key)).toBe(0.03);
  });

  it('it waits no longer than configured, and is told to try again', async () => {
    const key = await gateway.createKey({ max_budget: 0.1 });
    const first = await underWay(key, 100);
    const { status, headers, body } = await chat(key, 10);
    expect([status, headers['retry-after']]).toEqual([429, '1']);
    expect(headers['x-should-retry']).toBeUndefined();
    expect(body.error.details).toMatchObject({ held: 0.1, spent: 0, retryable: true });
    upstream.release();
    expect((await first.over).status).toBe(200);
  });

  it('after waiting it takes what fits', async () => {
    const key = await gateway.createKey({ max_budget: 0.1 });
    const first = await underWay(key, 40);
    const before = upstream.calls.length;
    const second = chat(key, 90);
    await upstream.arrived(before + 1);
    upstream.release();
    expect(clamped(await second)).toEqual({ status: 200, to: '60' });
    expect((await first.over).status).toBe(200);
    expect(await gateway.spendOf(key)).toBe(0.1);
  });

  it('with tools it takes no less than a quarter: later, while others hold the rest, never, once that is spent', async () => {
    const tools = { tools: [{ type: 'function', function: { name: 'f' } }] };
    const key = await gateway.createKey({ max_budget: 0.3 });
    const first = await underWay(key, 250);
    const { body } = await chat(key, 400, tools);
    expect(body.error.details).toMatchObject({
      needed: 0.1,
      held: 0.25,
      spent: 0,
      output_tokens: { asked: 400, least: 100, fits: 50 },
      retryable: true,
    });
    upstream.behave = () => ({ completionTokens: 10 });
    const small = chat(key, 200, tools);
    await upstream.arrived(upstream.calls.length + 1);
    upstream.behave = () => ({});
    upstream.release();
    expect(clamped(await small)).toEqual({ status: 200, to: '50' });
    expect((await first.over).status).toBe(200);
    const after = await chat(key, 400, tools);
    expect(after.body.error.details).toMatchObject({ needed: 0.1, held: 0, retryable: false });
  });

  it('four coding agents on one small key all get a limit worth writing with', async () => {
    const key = await gateway.createKey({ max_budget: 2 });
    // A call holds $0.72 and costs a few cents.
    const turn = (content: string) =>
      gateway.chat(key, {
        model: 'm-agent',
        max_tokens: 32_000,
        messages: [{ role: 'user', content }],
        tools: [{ type: 'function', function: { name: 'write_file', parameters: {} } }],
      });
    const before = upstream.calls.length;
    upstream.behave = () => ({ promptTokens: 2_600, completionTokens: 42 });
    upstream.hold();
    const prompt = 'a word '.repeat(11_000);
    const turns = Array.from({ length: 4 }, () => turn(prompt));
    await upstream.arrived(before + 4);
    const limits = upstream.calls.slice(before).map(({ body }) => Number(body.max_tokens));
    expect(limits.toSorted((one, other) => other - one)).toEqual([32_000, 8_000, 8_000, 8_000]);
    upstream.release();
    expect((await Promise.all(turns)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(clamped(await turn(prompt))).toEqual({ status: 200, to: undefined });
    expect(await gateway.spendOf(key)).toBeCloseTo(5 * (2_600 * 0.000_003 + 42 * 0.000_015), 9);
  });

  it('nobody waits for what can never be', async () => {
    const key = await gateway.createKey({ max_budget: 0.1 });
    const first = await underWay(key, 100);
    expect((await chat(key, 100, { n: 2 })).body.error.details).toMatchObject({ retryable: true });
    expect((await chat(await gateway.createKey({ max_budget: 0.01 }), 20)).body.error.details).toMatchObject({
      retryable: false,
    });
    upstream.release();
    await first.over;
  });

  it('beside others one call takes its share: an eighth of what is left, or the default hold', async () => {
    const key = await gateway.createKey({ max_budget: 4 });
    const first = await underWay(key, 800);
    const before = upstream.calls.length;
    const second = chat(key, 3_000);
    await upstream.arrived(before + 1);
    upstream.release();
    expect(clamped(await second)).toEqual({ status: 200, to: '400' });
    expect((await first.over).status).toBe(200);
    expect(clamped(await chat(key, 2_000))).toEqual({ status: 200, to: undefined });
  });
});

it('whoever leaves while it waits is not called for', async () => {
  const key = await patient.createKey({ max_budget: 0.1 });
  const first = await underWay(key, 100, patient);
  const before = upstream.calls.length;
  const controller = new AbortController();
  const second = fetch(`${patient.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'm-out', max_tokens: 50, messages: [] }),
    signal: controller.signal,
  }).catch(() => 'gone');
  await inFlight(2);
  controller.abort();
  expect(await second).toBe('gone');
  upstream.behave = () => ({ completionTokens: 10 });
  upstream.release();
  expect((await first.over).status).toBe(200);
  await patient.books();
  expect(upstream.calls.length).toBe(before);
  expect((await chat(key, 90, {}, patient)).status).toBe(200);
});

it('a limit that is lowered while a call waits is the one that counts', async () => {
  const key = await patient.createKey({ max_budget: 0.1 });
  upstream.behave = () => ({ completionTokens: 50 });
  const first = await underWay(key, 100, patient);
  const second = chat(key, 60, {}, patient);
  await inFlight(2);
  await patient.create('/key/update', { key, max_budget: 0.06 });
  upstream.release();
  expect((await first.over).status).toBe(200);
  expect((await second).status).toBe(429);
  expect(await patient.spendOf(key)).toBe(0.05);
});

describe('a prompt whose bytes do not fit', () => {
  const prose = 'The quick brown fox jumps over the lazy dog. '.repeat(450);
  const embed = (key: string, input: string) =>
    gateway.as(key, 'POST', '/v1/embeddings', { model: 'm-embed', input });

  it('is counted, and passes if its tokens do', async () => {
    // 20,250 bytes are 4,501 tokens in OpenAI's encoding, and at most half as many tokens as bytes in another one. A token costs
    // $0.001.
    upstream.behave = () => ({ promptTokens: 4_501 });
    const key = await gateway.createKey({ max_budget: 12 });
    expect((await embed(key, prose)).status).toBe(200);
    expect(await gateway.spendOf(key)).toBe(4.501);
    expect((await embed(key, prose)).status).toBe(429);
  });

  it('is explained as it is decided', async () => {
    const key = await gateway.createKey({ max_budget: 12 });
    const ask = async (input: string) =>
      (
        await gateway.admin('POST', '/access/v1/evaluation', {
          subject: { type: 'key', id: key },
          action: { name: 'call' },
          resource: { type: 'model', id: 'm-embed' },
          context: { route: '/v1/embeddings', body: { input } },
        })
      ).body.decision as boolean;
    expect([await ask(prose), await ask(prose.repeat(2))]).toEqual([true, false]);
  });
});
