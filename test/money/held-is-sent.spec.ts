import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway, model } from '../harness/gateway.js';
import { type Behaviour, Upstream, type UpstreamCall } from '../harness/upstream.js';

/** Proves that the output limit of the hold is sent to the provider if a budget applies, in the member it reads. */

/** Prices: output costs $0.001 a token, input nothing. */
const perOutput = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
const sizeless = { ...perOutput, max_input_tokens: null, max_output_tokens: null };
const PREFIXES = ['ollama', 'deepseek', 'mistral', 'hosted_vllm', 'groq', 'openrouter', 'custom_openai'];
let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const { url } = upstream;
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('m-small', url, { ...perOutput, max_output_tokens: 1_000 }),
        model('m-sizeless', url, sizeless),
        model('m-window', url, { ...perOutput, max_input_tokens: 10_000, max_output_tokens: null }),
        model('m-known', url, sizeless, { model: 'openai/gpt-4o' }),
        model('m-reasons', url, sizeless, { model: 'openai/gpt-5-of-ours' }),
        model('m-free', url, { input_cost_per_token: 0, output_cost_per_token: 0 }),
        model('m-claude', url, { ...perOutput, max_output_tokens: 8_000 }, { model: 'anthropic/nobody' }),
        // A model with a short limit whose calls fail, and its fallbacks.
        model('m-falls', url, { ...perOutput, max_output_tokens: 30 }),
        model('m-both', url, { ...perOutput, id: 'd-both-a', max_output_tokens: 30 }, { weight: 1_000_000 }),
        model('m-both', url, { ...perOutput, id: 'd-both-b', max_output_tokens: 50 }, { model: 'ollama/up-other' }), // prettier-ignore
        ...PREFIXES.map((prefix) =>
          model(`m-${prefix}`, url, perOutput, { model: `${prefix}/up-${prefix}` }),
        ),
      ],
      general_settings: { budget_wait_ms: 200, min_output_tokens: 10, default_hold_tokens: 100 },
      router_settings: { fallbacks: [{ 'm-falls': ['m-ollama'] }] },
    },
  });
});
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.release();
  upstream.behave = () => ({});
});

const CHAT = '/v1/chat/completions';
const messages = [{ role: 'user', content: 'hi' }];
const lastBody = () => upstream.calls.at(-1)!.body;
const limitsIn = (body: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(body).filter(
      ([name]) => /max_|predict|max_length/.test(name) && name !== 'max_tool_calls',
    ),
  );
const outcome = ({ status, headers }: Answer) => [status, headers['x-tollgate-clamped']];

/** Returns an upstream that writes as much as these members allow; 5,000 tokens if none is set. */
const reads =
  (...names: string[]) =>
  ({ body }: UpstreamCall): Behaviour => ({
    completionTokens:
      (names.map((name) => body[name]).find((limit) => limit !== undefined) as number) ?? 5_000,
  });

describe('a limit larger than the model’s', () => {
  it.each<[string, string, object, string]>([
    ['a chat', CHAT, { messages, max_tokens: 900_000 }, 'max_tokens'],
    ['… in the newer word', CHAT, { messages, max_completion_tokens: 900_000 }, 'max_tokens'],
    ['… in another server’s', CHAT, { messages, n_predict: 900_000 }, 'max_tokens'],
    ['… a stream', CHAT, { messages, max_tokens: 900_000, stream: true }, 'max_tokens'],
    ['a completion', '/v1/completions', { prompt: 'hi', max_tokens: 900_000 }, 'max_tokens'],
    ['a response', '/v1/responses', { input: 'hi', max_output_tokens: 900_000 }, 'max_output_tokens'],
  ])('%s: held and sent is the model’s, and a header says so', async (_, path, body, member) => {
    upstream.behave = reads('n_predict', 'max_completion_tokens', 'max_tokens', 'max_output_tokens');
    const key = await gateway.createKey({ max_budget: 5 });
    const answer = await gateway.as(key, 'POST', path, { model: 'm-small', ...body });
    expect(outcome(answer)).toEqual([200, '1000']);
    expect(limitsIn(lastBody())).toEqual({ [member]: 1_000 });
    expect(await gateway.spendOf(key)).toBe(1);
  });

  it('messages: the same', async () => {
    const key = await gateway.createKey({ max_budget: 8 });
    const body = { model: 'm-claude', messages, max_tokens: 900_000 };
    expect(outcome(await gateway.as(key, 'POST', '/v1/messages', body))).toEqual([200, '8000']);
    expect(limitsIn(lastBody())).toEqual({ max_tokens: 8_000 });
  });

  it('a budget of anybody is one: here the team’s', async () => {
    const { team_id } = await gateway.create('/team/new', { max_budget: 1 });
    const key = await gateway.createKey({ team_id });
    expect(outcome(await gateway.chat(key, { model: 'm-small', max_tokens: 900_000 }))).toEqual([
      200,
      '1000',
    ]);
  });
});

describe('a limit under a name the provider does not read', () => {
  it.each(PREFIXES)('%s reads max_tokens: it is told there, and only there', async (prefix) => {
    upstream.behave = reads('max_tokens');
    const key = await gateway.createKey({ max_budget: 0.05 });
    const callWith = async (body: object) => {
      const answer = await gateway.chat(key, { model: `m-${prefix}`, ...body });
      return [...outcome(answer), limitsIn(lastBody())];
    };
    expect(await callWith({ max_completion_tokens: 10 })).toEqual([200, undefined, { max_tokens: 10 }]);
    expect(await callWith({ max_completion_tokens: 900 })).toEqual([200, '40', { max_tokens: 40 }]);
    expect(await gateway.spendOf(key)).toBe(0.05);
  });

  it('one that reasons reads max_completion_tokens', async () => {
    upstream.behave = reads('max_completion_tokens');
    const key = await gateway.createKey({ max_budget: 0.05 });
    expect(outcome(await gateway.chat(key, { model: 'm-reasons', max_tokens: 900 }))).toEqual([200, '50']);
    expect(limitsIn(lastBody())).toEqual({ max_completion_tokens: 50 });
    expect(await gateway.spendOf(key)).toBe(0.05);
  });

  it('of two limits the one the provider reads is held for', async () => {
    const both = { max_tokens: 5, max_completion_tokens: 700 };
    const key = await gateway.createKey({ max_budget: 0.05 });
    expect(outcome(await gateway.chat(key, { model: 'm-ollama', ...both }))).toEqual([200, undefined]);
    expect(limitsIn(lastBody())).toEqual({ max_tokens: 5 });
    expect(outcome(await gateway.chat(key, { model: 'm-reasons', ...both }))).toEqual([200, '45']);
    expect(limitsIn(lastBody())).toEqual({ max_completion_tokens: 45 });
  });

  it.each(['n_predict', 'num_predict', 'max_new_tokens', 'max_length', 'max_output_tokens', 'max_gen_len'])(
    '%s beside it is not sent',
    async (name) => {
      upstream.behave = reads(name, 'max_tokens');
      const key = await gateway.createKey({ max_budget: 0.05 });
      const body = { model: 'm-hosted_vllm', max_tokens: 1, [name]: 5_000 };
      expect(outcome(await gateway.chat(key, body))).toEqual([200, undefined]);
      expect(limitsIn(lastBody())).toEqual({ max_tokens: 1 });
      expect(outcome(await gateway.chat(key, { model: 'm-hosted_vllm', [name]: 7 }))).toEqual([
        200,
        undefined,
      ]);
      expect(limitsIn(lastBody())).toEqual({ max_tokens: 7 });
      expect(await gateway.spendOf(key)).toBe(0.008);
    },
  );

  it('llama.cpp’s word for n counts', async () => {
    const key = await gateway.createKey({ max_budget: 0.05 });
    expect(outcome(await gateway.chat(key, { model: 'm-hosted_vllm', max_tokens: 30, n_cmpl: 2 }))).toEqual([200, '25']); // prettier-ignore
  });

  it('a template of the client’s may repeat a prompt: it is held for as a whole context', async () => {
    const key = await gateway.createKey({ max_budget: 0.05 });
    const body = { model: 'm-hosted_vllm', max_tokens: 1, chat_template: '{{ messages }}' };
    expect((await gateway.chat(key, body)).status).toBe(200);
    const { body: deployment } = await gateway.admin('POST', '/model/new', {
      model_name: 'm-in',
      litellm_params: { model: 'hosted_vllm/x', api_base: upstream.url },
      model_info: { input_cost_per_token: 0.001, output_cost_per_token: 0, max_input_tokens: 1_000 },
    });
    expect(deployment.model_name).toBe('m-in');
    const refused = await gateway.chat(key, { ...body, model: 'm-in' });
    expect(refused.body.error.details).toMatchObject({ needed: 1 });
  });
});

describe('nobody named a limit', () => {
  it.each([
    ['m-small', 10, 1_000, undefined],
    ['m-known', 100, 16_384, undefined],
    ['m-sizeless', 10, 4_096, '4096'],
  ])('%s', async (name, max_budget, limit, clamped) => {
    const key = await gateway.createKey({ max_budget });
    expect(outcome(await gateway.chat(key, { model: name }))).toEqual([200, clamped]);
    expect(Object.values(limitsIn(lastBody()))).toEqual([limit]);
  });

  it('what the context leaves beside the prompt', async () => {
    const key = await gateway.createKey({ max_budget: 100 });
    const { status, headers } = await gateway.chat(key, { model: 'm-window' });
    const { max_tokens } = lastBody();
    expect([status, headers['x-tollgate-clamped']]).toEqual([200, String(max_tokens)]);
    expect(max_tokens).toBeGreaterThan(9_000);
    expect(max_tokens).toBeLessThan(9_488);
  });

  it('a documented maximum is told to clients', async () => {
    const { body } = await gateway.admin('GET', '/model_group/info?model_group=m-known');
    expect(body.data[0]).toMatchObject({ max_output_tokens: 16_384 });
  });
});

describe('no budget applies', () => {
  it.each(['m-sizeless', 'm-window', 'm-small', 'm-ollama'])('%s: nothing is written', async (name) => {
    const key = await gateway.createKey();
    for (const caller of [key, gateway.masterKey]) {
      const body = JSON.stringify({ model: name, messages });
      expect(outcome(await gateway.as(caller, 'POST', CHAT, JSON.parse(body)))).toEqual([200, undefined]);
      expect(limitsIn(lastBody())).toEqual({});
    }
  });

  it('what the client named stays as it is', async () => {
    const limits = { max_completion_tokens: 900_000, n_predict: -1, max_length: 'long' };
    await gateway.chat(await gateway.createKey(), { model: 'm-small', ...limits });
    expect(lastBody()).toMatchObject(limits);
  });

  it('an answer longer than what was reckoned with is billed, and nothing to warn of', async () => {
    upstream.behave = () => ({ completionTokens: 9_000 });
    const key = await gateway.createKey();
    expect((await gateway.chat(key, { model: 'm-sizeless' })).status).toBe(200);
    expect(await gateway.spendOf(key)).toBe(9);
    expect(gateway.logs).not.toContain('cost more than its bound');
  });

  it('a free model is told nothing, whatever budget there is', async () => {
    const key = await gateway.createKey({ max_budget: 0.000001 });
    expect(outcome(await gateway.chat(key, { model: 'm-free', max_tokens: 900_000 }))).toEqual([
      200,
      undefined,
    ]);
    expect(limitsIn(lastBody())).toEqual({ max_tokens: 900_000 });
  });
});

describe('the next attempt', () => {
  it('a fallback is told its own limit in its own word', async () => {
    upstream.behave = ({ model: name }) => (name === 'up-m-falls' ? { status: 500 } : {});
    const key = await gateway.createKey({ max_budget: 0.2 });
    expect(outcome(await gateway.chat(key, { model: 'm-falls', max_completion_tokens: 150 }))).toEqual([200, undefined]); // prettier-ignore
    const [first, second] = upstream.calls.slice(-2).map(({ body }) => limitsIn(body));
    expect([first, second]).toEqual([{ max_tokens: 30 }, { max_tokens: 150 }]);
  });

  it('each deployment of a model is told its own', async () => {
    upstream.behave = ({ model: name }) => (name === 'up-m-both' ? { status: 500 } : {});
    const key = await gateway.createKey({ max_budget: 0.05 });
    expect(outcome(await gateway.chat(key, { model: 'm-both' }))).toEqual([200, undefined]);
    const requests = upstream.calls.slice(-2).map(({ model: name, body }) => [name, limitsIn(body)]);
    expect(requests).toContainEqual(['up-other', { max_tokens: 50 }]);
    expect(await gateway.spendOf(key)).toBe(0.05);
  });
});

describe('an error that comes of a clamp', () => {
  it('says so in a header and in words', async () => {
    upstream.behave = () => ({ status: 400, errorBody: { error: { message: 'max_tokens is too large' } } });
    const key = await gateway.createKey({ max_budget: 0.3 });
    const answer = await gateway.chat(key, { model: 'm-sizeless' });
    expect(outcome(answer)).toEqual([400, '300']);
    expect(answer.body.error).toMatchObject({
      message: 'max_tokens is too large',
      details: {
        explanation: 'The gateway set the output limit of this call to 300 tokens, because a budget applies.',
      },
    });
    expect(outcome(await gateway.chat(key, { model: 'm-sizeless', max_tokens: 20 }))).toEqual([
      400,
      undefined,
    ]);
  });

  it.each([500, 429, 404])('%i as well', async (status) => {
    upstream.behave = () => ({ status });
    const key = await gateway.createKey({ max_budget: 0.3 });
    expect(outcome(await gateway.chat(key, { model: 'm-sizeless' }))).toEqual([status, '300']);
  });

  it('also without an answer', async () => {
    upstream.behave = () => ({ reset: true });
    const key = await gateway.createKey({ max_budget: 0.3 });
    expect(outcome(await gateway.chat(key, { model: 'm-sizeless' }))).toEqual([502, '300']);
  });
});

describe('thoughts', () => {
  const ask = (key: string, body: object, headers = {}) =>
    gateway.as(key, 'POST', '/v1/messages', { model: 'm-claude', messages, ...body }, headers);
  const thinking = (budget_tokens: number) => ({ thinking: { type: 'enabled', budget_tokens } });

  it('are never clamped below their own limit', async () => {
    const key = await gateway.createKey({ max_budget: 2 });
    expect(outcome(await ask(key, { max_tokens: 4_000, ...thinking(1_999) }))).toEqual([200, '2000']);
    const poorer = await gateway.createKey({ max_budget: 1.999 });
    const refused = await ask(poorer, { max_tokens: 4_000, ...thinking(1_999) });
    expect([refused.status, refused.body.error.details.needed]).toEqual([429, 2]);
  });

  it('that need more than the model writes are refused in our words, before anything is called', async () => {
    const key = await gateway.createKey({ max_budget: 100 });
    const before = upstream.calls.length;
    const { status, body } = await ask(key, { max_tokens: 16_000, ...thinking(9_000) });
    expect([status, body.error.param]).toEqual([400, 'max_tokens']);
    expect(upstream.calls.length).toBe(before);
    expect(await gateway.spendOf(key)).toBe(0);
  });

  it('between tools are limited over a whole turn, so an answer may be clamped', async () => {
    const key = await gateway.createKey({ max_budget: 1 });
    const headers = { 'anthropic-beta': 'interleaved-thinking-2025-05-14' };
    expect(outcome(await ask(key, { max_tokens: 4_000, ...thinking(30_000) }, headers))).toEqual([
      200,
      '1000',
    ]);
  });
});

describe('a stream’s usage', () => {
  const streamed = async (name: string, more: object = {}) =>
    gateway.chat(await gateway.createKey(), { model: name, stream: true, max_tokens: 3, ...more });

  it('is asked for', async () => {
    expect((await streamed('m-ollama')).status).toBe(200);
    expect(lastBody().stream_options).toEqual({ include_usage: true });
  });

  it('… not where the provider refuses to be asked', async () => {
    expect((await streamed('m-mistral')).status).toBe(200);
    expect(lastBody()).not.toHaveProperty('stream_options');
    expect((await streamed('m-mistral', { stream_options: { include_usage: true } })).status).toBe(200);
    expect(lastBody()).not.toHaveProperty('stream_options');
  });

  it.each([400, 422])('%i that names it: once more without, and not again', async (status) => {
    const name = status === 400 ? 'm-groq' : 'm-deepseek';
    upstream.behave = ({ body }) =>
      body.stream_options
        ? { status, errorBody: { detail: [{ loc: ['body', 'stream_options'], msg: 'Extra inputs' }] } }
        : {};
    const before = upstream.calls.length;
    expect((await streamed(name)).status).toBe(200);
    expect(upstream.calls.slice(before).map(({ body }) => 'stream_options' in body)).toEqual([true, false]);
    expect((await streamed(name)).status).toBe(200);
    expect(upstream.calls.slice(before)).toHaveLength(3);
    // An option that the client itself sends is passed on unchanged.
    expect((await streamed(name, { stream_options: { include_usage: true } })).status).toBe(status);
    expect(upstream.calls.slice(before)).toHaveLength(4);
  });
});

it('the books are right after all this', async () => {
  expect(gateway.verifyLedger().code).toBe(0);
});
