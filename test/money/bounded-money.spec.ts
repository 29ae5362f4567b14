import { request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { type Behaviour, Upstream } from '../harness/upstream.js';

/** Proves that a budget holds for any call and any response of an upstream. A bad upstream harms only its own call. */

let upstream: Upstream;
let gateway: Gateway;
const perOutput = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
const perInput = { input_cost_per_token: 0.001, output_cost_per_token: 0 };
beforeAll(async () => {
  upstream = await Upstream.start();
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('m-out', upstream.url, perOutput),
        model('m-in', upstream.url, perInput),
        model('m-short', upstream.url, { ...perInput, max_input_tokens: 100 }),
        model('m-served', upstream.url, { ...perOutput, output_cost_per_token_priority: 0.002 }),
        model('m-images', upstream.url, { ...perOutput, input_cost_per_image: 0.01 }),
        model('m-sizeless', upstream.url, { ...perOutput, max_input_tokens: null, max_output_tokens: null }),
        model('m-window', upstream.url, { ...perOutput, max_input_tokens: 20, max_output_tokens: null }),
        model('m-sees', upstream.url, perInput, { model: 'openai/gpt-4o' }),
        model('m-sees/*', upstream.url, perInput, { model: 'openai/*' }),
        model(
          'm-draws',
          upstream.url,
          { ...perInput, output_cost_per_image_token: 0 },
          { model: 'openai/gpt-image-1' },
        ),
        model('m-qwen', upstream.url, perOutput, { model: 'dashscope/up-qwen' }),
        model('m-retried', upstream.url, perOutput, { max_retries: 2 }),
      ],
    },
  });
});
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.behave = () => ({});
});

const refused = async (path: string, body: object, max_budget: number) => {
  const key = await gateway.createKey({ max_budget });
  const before = upstream.calls.length;
  const answer = await gateway.as(key, 'POST', path, body);
  expect(upstream.calls.length).toBe(before);
  return { status: answer.status, type: answer.body.error?.type as string };
};
const OVER_BUDGET = { status: 429, type: 'budget_exceeded' };

describe('what is held covers what can be billed', () => {
  it('every prompt of a list is answered', async () => {
    const body = { model: 'm-out', prompt: Array(50).fill('a'), max_tokens: 50 };
    expect(await refused('/v1/completions', body, 2.49)).toEqual(OVER_BUDGET);
    expect(await refused('/v1/completions', { ...body, n: 2 }, 4.99)).toEqual(OVER_BUDGET);
    expect(await refused('/v1/completions', { ...body, prompt: Array(50).fill([1, 2]) }, 2.49)).toEqual(
      OVER_BUDGET,
    );
    const key = await gateway.createKey({ max_budget: 0.05 });
    expect((await gateway.as(key, 'POST', '/v1/completions', { ...body, prompt: [1, 2, 3] })).status).toBe(
      200,
    );
  });

  it('every input of a batch may fill the context', async () => {
    const body = { model: 'm-short', input: Array(50).fill('x'.repeat(100)) };
    expect(await refused('/v1/embeddings', body, 0.2)).toEqual(OVER_BUDGET);
  });

  it.each<[string, object]>([
    ['a message', { id: 'msg_1' }],
    ['… that says nothing', { type: 'message', role: 'assistant', id: 'msg_1', content: [] }],
    ['thoughts', { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'a' }] }],
    ['what is spelled otherwise', JSON.parse('{"\\u0069d":"msg_1"}') as object],
  ])('a response whose provider looks up what is named by its id alone: %s', async (_, item) => {
    const body = { model: 'm-in', input: [{ role: 'user', content: 'a' }, item], max_output_tokens: 16 };
    expect(await refused('/v1/responses', body, 2)).toEqual(OVER_BUDGET);
  });

  it.each<[string, object]>([
    ['a message', { type: 'message', role: 'assistant', id: 'msg_1', content: [{ type: 'output_text', text: 'a' }] }],
    ['thoughts', { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'a' }],
    ['what was called', { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'f', arguments: '{}' }],
  ])('… and not what the body says itself: %s', async (_, item) => {
    const body = { model: 'm-in', input: [{ role: 'user', content: 'a' }, item], max_output_tokens: 16 };
    const key = await gateway.createKey({ max_budget: 2 });
    expect((await gateway.as(key, 'POST', '/v1/responses', body)).status).toBe(200);
  }); // prettier-ignore

  it('prompts that are no text are answered too, beside those that are', async () => {
    const body = { model: 'm-out', prompt_embeds: Array(50).fill('AAAA'), max_tokens: 50 };
    expect(await refused('/v1/completions', body, 2.49)).toEqual(OVER_BUDGET);
    expect(await refused('/v1/completions', { ...body, prompt: Array(50).fill('a') }, 4.99)).toEqual(
      OVER_BUDGET,
    );
    expect(await refused('/v1/completions', { ...body, model: 'm-in', prompt_embeds: 'AAAA' }, 2)).toEqual(
      OVER_BUDGET,
    );
  });

  it('a template may repeat the messages that are embedded', async () => {
    const body = { model: 'm-in', messages: [{ role: 'user', content: 'a' }], chat_template: '{{ x }}' };
    expect(await refused('/v1/embeddings', body, 2)).toEqual(OVER_BUDGET);
  });

  it('a prediction is billed where it is wrong', async () => {
    const body = {
      model: 'm-out',
      messages: [{ role: 'user', content: 'a' }],
      max_tokens: 10,
      prediction: { type: 'content', content: 'x'.repeat(1_000) },
    };
    expect(await refused('/v1/chat/completions', body, 1)).toEqual(OVER_BUDGET);
    const key = await gateway.createKey({ max_budget: 1.1 });
    expect((await gateway.chat(key, body)).status).toBe(200);
  });

  it('thoughts that no limit of the answer counts are held beside it', async () => {
    const body = {
      model: 'm-qwen',
      messages: [{ role: 'user', content: 'a' }],
      max_tokens: 10,
      enable_thinking: true,
    };
    expect(await refused('/v1/chat/completions', body, 100)).toEqual(OVER_BUDGET);
    expect(await refused('/v1/chat/completions', { ...body, thinking_budget: 1_000 }, 1)).toEqual(
      OVER_BUDGET,
    );
    const key = await gateway.createKey({ max_budget: 1.02 });
    const { status } = await gateway.chat(key, { ...body, thinking_budget: 1_000 });
    expect([status, upstream.calls.at(-1)!.body.max_tokens]).toEqual([200, 10]);
  });

  it('a context that the provider writes anew has no bound', async () => {
    const body = { model: 'm-in', input: 'a', max_output_tokens: 16 };
    const key = await gateway.createKey({ max_budget: 1_000 });
    const { status, body: answer } = await gateway.as(key, 'POST', '/v1/responses', {
      ...body,
      context_management: [{ type: 'compaction', compact_threshold: 1_000 }],
    });
    expect([status, answer.error.param]).toEqual([403, 'context_management']);
  });

  it('an answer nobody limits is limited here, and its hold is that', async () => {
    const messages = [{ role: 'user', content: 'hi' }];
    const callWith = async (body: object, max_budget: number) => {
      const key = await gateway.createKey({ max_budget });
      const { status, headers } = await gateway.chat(key, { messages, ...body });
      const { max_tokens, max_completion_tokens } = upstream.calls.at(-1)!.body;
      return { status, limit: max_completion_tokens ?? max_tokens, clamped: headers['x-tollgate-clamped'] };
    };
    const wide = { model: 'm-sizeless' };
    expect(await callWith(wide, 4.096)).toEqual({ status: 200, limit: 4_096, clamped: '4096' });
    expect(await callWith(wide, 4.095)).toEqual({ status: 200, limit: 4_095, clamped: '4095' });
    expect(await callWith({ ...wide, max_tokens: 20_000 }, 20)).toEqual({
      status: 200,
      limit: 20_000,
      clamped: undefined,
    });
    // A response is at most as long as the context.
    expect(await callWith({ model: 'm-window' }, 0.02)).toEqual({ status: 200, limit: 20, clamped: '20' });
    expect(await refused('/v1/chat/completions', { model: 'm-window', messages }, 0.019)).toEqual(
      OVER_BUDGET,
    );
  });

  it.each(['video', 'document', 'input_file', 'something_new'])(
    'a part of type %s may be a whole context',
    async (type) => {
      const body = { model: 'm-in', messages: [{ role: 'user', content: [{ type, url: 'http://x' }] }] };
      expect(await refused('/v1/chat/completions', body, 50)).toEqual(OVER_BUDGET);
    },
  );

  it.each([
    ['m-sees', 4_000],
    ['m-sees/gpt-4o', 4_000],
    ['m-sees/gpt-4o-mini', 48_169],
    ['m-in', 100_000],
  ])('an image is held as what %s reads of one at most: %s tokens', async (name, tokens) => {
    // An image of a megabyte. Its bytes do not count as prompt.
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(1_000_000)}` } };
    const body = { model: name, messages: [{ role: 'user', content: [image] }], max_tokens: 1 };
    expect(await refused('/v1/chat/completions', body, tokens / 1_000 - 0.001)).toEqual(OVER_BUDGET);
    expect(
      (await gateway.chat(await gateway.createKey({ max_budget: tokens / 1_000 + 1 }), body)).status,
    ).toBe(200);
  });

  it('an image that is edited is held as what the model reads of one, for each that is drawn', async () => {
    const boundary = 'b';
    const parts = [['model', 'm-draws'], ['prompt', 'a'], ['n', '2'], ['image"; filename="a.png', 'x']]; // prettier-ignore
    const body = Buffer.from(
      parts
        .map(
          ([name, text]) =>
            `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`,
        )
        .join('') + `--${boundary}--\r\n`,
    );
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    const send = async (max_budget: number) =>
      (await gateway.as(await gateway.createKey({ max_budget }), 'POST', '/v1/images/edits', body, headers))
        .status;
    expect(await send(13.9)).toBe(429);
    expect(await send(15)).not.toBe(429);
  });

  it('the tools that Codex runs itself cost nothing: agents, too, pass under a budget', async () => {
    const key = await gateway.createKey({ max_budget: 5 });
    const run = {
      type: 'function',
      name: 'run',
      strict: false,
      parameters: { type: 'object', properties: {} },
    };
    const { status } = await gateway.as(key, 'POST', '/v1/responses', {
      model: 'm-out',
      instructions: 'You are a coding agent.',
      input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Write a file.' }] }],
      tools: [
        run,
        { type: 'custom', name: 'apply_patch', format: { type: 'grammar', syntax: 'lark', definition: 'x' } },
        {
          type: 'namespace',
          name: 'multi_agent_v1',
          description: 'Agents',
          tools: [{ ...run, name: 'spawn_agent' }],
        },
        { type: 'local_shell' },
      ],
      tool_choice: 'auto',
      parallel_tool_calls: true,
      reasoning: { effort: 'medium' },
      include: ['reasoning.encrypted_content'],
      store: false,
      stream: true,
    });
    expect(status).toBe(200);
    await gateway.books();
    expect(await gateway.spendOf(key)).toBeGreaterThan(0);
  });

  it.each([
    { tools: [{ type: 'web_search_preview' }] },
    { web_search_options: {} },
    { service_tier: 'priority' },
    { search_parameters: { mode: 'on' } },
    { enable_search: true },
    { plugins: [{ id: 'web' }] },
    { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } },
    {
      messages: [
        { role: 'user', content: [{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }] },
      ],
    },
    { tools: [{ type: 'function', function: { name: 'f' } }, { type: 'code_interpreter' }] },
  ])('%j costs more than tokens, so no budget can hold it', async (extra) => {
    const body = { model: 'm-out', messages: [], max_tokens: 1, ...extra };
    expect(await refused('/v1/chat/completions', body, 100)).toEqual({
      status: 403,
      type: 'model_cost_map_missing',
    });
    expect((await gateway.chat(await gateway.createKey(), body)).status).toBe(200);
  });
});

describe('hostile numbers', () => {
  const BUDGET = 0.05;
  const asked = async (body: string) => {
    const key = await gateway.createKey({ max_budget: BUDGET });
    const seen = upstream.calls.length;
    const { status } = await gateway.as(
      key,
      'POST',
      '/v1/completions',
      `{"model": "m-out", "prompt": "a", ${body}}`,
    );
    await gateway.books();
    const spend = await gateway.spendOf(key);
    expect(spend).toBeLessThanOrEqual(BUDGET);
    return { status, called: upstream.calls.length - seen };
  };

  it.each([
    '"max_tokens": -1000000000',
    '"max_tokens": 1e308',
    '"max_tokens": 1e400',
    '"max_tokens": "NaN"',
    '"max_tokens": 1.5',
    '"n": -1',
    '"n": "2"',
    '"n": 1e9',
    '"best_of": -5',
    '"best_of": 1e400',
  ])('%s is refused', async (body) => {
    expect(await asked(body)).toEqual({ status: 400, called: 0 });
  });

  it.each(['"n": 128', '"best_of": 128', '"n": 128, "best_of": 2', '"n": 2, "best_of": 128'])(
    '%s multiplies what is held',
    async (body) => {
      expect(await asked(`"max_tokens": 1, ${body}`)).toEqual({ status: 429, called: 0 });
      expect(
        (
          await gateway.as(
            await gateway.createKey({ max_budget: 0.128 }),
            'POST',
            '/v1/completions',
            `{"model": "m-out", "prompt": "a", "max_tokens": 1, ${body}}`,
          )
        ).status,
      ).toBe(200);
    },
  );

  it.each([
    '"max_tokens": 0',
    '"max_tokens": 999999999',
    '"max_tokens": 1, "max_completion_tokens": 99999',
    '"max_tokens": 99999, "max_completion_tokens": 1',
  ])('%s spends no more than there is', async (body) => {
    expect([200, 400, 429]).toContain((await asked(body)).status);
  });
});

describe('what has a price of its own', () => {
  const chat = (key: string, body: object) =>
    gateway.chat(key, { model: 'm-served', messages: [], max_tokens: 10, ...body });

  it.each([
    ['JSON', false],
    ['a stream', true],
  ])('a dearer service is held at its price and billed as it answered: %s', async (_, stream) => {
    const body = { service_tier: 'priority', stream };
    expect(await refused('/v1/chat/completions', { model: 'm-served', max_tokens: 10, messages: [], ...body }, 0.019)).toEqual(OVER_BUDGET); // prettier-ignore
    const spent = async (service_tier: string) => {
      const said = JSON.stringify({
        choices: [],
        service_tier,
        usage: { prompt_tokens: 1, completion_tokens: 10 },
      });
      upstream.behave = () =>
        stream ? { rawStream: [`data: ${said}\n\n`, 'data: [DONE]\n\n'] } : { rawBody: said };
      const key = await gateway.createKey({ max_budget: 0.02 });
      expect((await chat(key, body)).status).toBe(200);
      await gateway.books();
      return gateway.spendOf(key);
    };
    expect(await spent('priority')).toBe(0.02);
    expect(await spent('default')).toBe(0.01);
  });

  it('images that nothing counts are called for only where no budget applies', async () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
    const body = { model: 'm-images', max_tokens: 1, messages: [{ role: 'user', content: [image] }] };
    expect((await refused('/v1/chat/completions', body, 1_000)).status).toBe(403);
    expect((await gateway.chat(await gateway.createKey(), body)).status).toBe(200);
    const words = { model: 'm-images', max_tokens: 1, messages: [{ role: 'user', content: 'a' }] };
    expect((await gateway.chat(await gateway.createKey({ max_budget: 1 }), words)).status).toBe(200);
  });
});

describe('what an upstream says', () => {
  const billed = async (behaviour: Behaviour, body: object = {}) => {
    const key = await gateway.createKey({ max_budget: 1_000 });
    upstream.behave = () => behaviour;
    const answer = await gateway.chat(key, { model: 'm-out', max_tokens: 100, ...body });
    await gateway.books();
    return { status: answer.status, spend: await gateway.spendOf(key) };
  };

  it('is read even if it is large, odd or duplicated', async () => {
    const usage = { prompt_tokens: 0, completion_tokens: 7 };
    const logprobs = Array.from({ length: 3_000 }, () => ({
      token: 'a',
      logprob: -1,
      top_logprobs: Array.from({ length: 20 }, () => ({ token: 'b', logprob: -2 })),
    }));
    expect(
      await billed({ rawBody: JSON.stringify({ choices: [{ logprobs: { content: logprobs } }], usage }) }),
    ).toEqual({ status: 200, spend: 0.007 });
    expect(await billed({ rawBody: `\ufeff${JSON.stringify({ choices: [], usage })}` })).toEqual({
      status: 200,
      spend: 0.007,
    });
    expect(
      await billed({
        rawBody: `{"usage":${JSON.stringify({ ...usage, completion_tokens: 1 })},"choices":[],"usage":${JSON.stringify(usage)}}`,
      }),
    ).toEqual({ status: 200, spend: 0.007 });
    const deep = `${'['.repeat(500)}${']'.repeat(500)}`;
    expect(await billed({ rawBody: `{"deep":${deep},"usage":${JSON.stringify(usage)}}` })).toEqual({
      status: 200,
      spend: 0.007,
    });
  });

  it('is billed also when it comes with an error', async () => {
    const errorBody = { error: { message: 'half way' }, usage: { prompt_tokens: 0, completion_tokens: 50 } };
    expect(await billed({ status: 500, errorBody })).toEqual({ status: 500, spend: 0.05 });
  });

  it('is no count when no call can use as much: nobody else is harmed', async () => {
    for (const completion_tokens of [8e12, 9e15, Number.MAX_SAFE_INTEGER]) {
      const { status, spend } = await billed({ usage: { prompt_tokens: 0, completion_tokens } });
      expect(status).toBe(200);
      expect(spend).toBeLessThan(1);
    }
    expect((await gateway.admin('GET', '/global/spend')).status).toBe(200);
  });

  it('is estimated by what was delivered when a stream says nothing', async () => {
    const words = 'word '.repeat(4_000);
    const key = await gateway.createKey({ max_budget: 1_000 });
    upstream.behave = () => ({
      rawStream: [
        `data: ${JSON.stringify({ choices: [{ delta: { content: words } }] })}\n\n`,
        'data: [DONE]\n\n',
      ],
    });
    const { text } = await gateway.chat(key, { model: 'm-out', max_tokens: 9_000, stream: true });
    expect(text).toContain('[DONE]');
    await gateway.books();
    expect(await gateway.spendOf(key)).toBe(5);
  });

  it('never carries its own credential to a client', async () => {
    const key = await gateway.createKey();
    const secret = 'sk-provider-key-of-the-tests';
    upstream.behave = () => ({ rawStream: [`data: {"error":{"message":"boom ${secret}"}}\n\n`] });
    expect((await gateway.chat(key, { model: 'm-out', stream: true })).text).toContain('boom ****');
    upstream.behave = () => ({ rawBody: JSON.stringify({ choices: [], echo: secret }) });
    const { text } = await gateway.chat(key, { model: 'm-out' });
    expect(text).toContain('"echo":"****');
    expect(text).not.toContain(secret);
  });

  it('may be a stream nobody asked for', async () => {
    const key = await gateway.createKey();
    upstream.behave = () => ({
      rawStream: [
        'data: {"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":3}}\n\n',
        'data: [DONE]\n\n',
      ],
      status: 201,
    });
    expect((await gateway.chat(key, { model: 'm-out' })).text).toContain('[DONE]');
    await gateway.books();
    expect(await gateway.spendOf(key)).toBe(0.003);
  });
});

describe('names as long as a body', () => {
  it('are refused in a few words', async () => {
    const key = await gateway.createKey();
    const long = 'x'.repeat(5_000_000);
    for (const body of [
      { model: long },
      { model: 'm-out', user: long },
      { model: 'm-out', fallbacks: [long] },
    ]) {
      const { status, text } = await gateway.as(key, 'POST', '/v1/chat/completions', body);
      expect(status).toBe(400);
      expect(text.length).toBeLessThan(1_000);
    }
    const fallbacks = Array.from({ length: 20_000 }, (_, i) => `f${i}`);
    expect((await gateway.chat(key, { model: 'm-out', fallbacks })).body.error.param).toBe('fallbacks');
  });
});

it('a route’s list is asked about the route that was matched', async () => {
  const key = await gateway.createKey({ allowed_routes: ['/v1/chat/*'] });
  for (const path of ['/v1/chat/completions#/embeddings', '/v1/chat/completion%73'])
    expect(
      (
        await request(`${gateway.url}/`, {
          method: 'POST',
          path,
          headers: { authorization: `Bearer ${key}` },
          body: '{"model":"m-out","messages":[]}',
        } as never)
      ).statusCode,
    ).toBeOneOf([200, 404]);
  expect(upstream.calls.slice(-2).every(({ path }) => path === '/v1/chat/completions')).toBe(true);
  const embedder = await gateway.createKey({
    allowed_routes: ['/openai/deployments/{model:path}/embeddings'],
  });
  const { statusCode } = await request(gateway.url, {
    method: 'POST',
    path: '/openai/deployments/m-out/chat/completions#/embeddings',
    headers: { authorization: `Bearer ${embedder}` },
    body: '{"messages":[]}',
  } as never);
  expect(statusCode).toBe(403);
});
