import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { embed, experimental_transcribe, generateText, streamText } from 'ai';
import OpenAI, { AzureOpenAI, toFile } from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectBalancedLedger } from '../harness/ledger-reader.js';
import { closeAll } from '../harness/close-all.js';
import { type Answer, Gateway, model, testModels } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves every route that calls a model, with raw requests and with usual clients. */

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const { url } = upstream;
  const root = url.replace(/\/v1$/, '');
  const perOutput = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        ...testModels(url),
        model('m-claude', root, perOutput, { model: 'anthropic/up-m-claude' }),
        model(
          'm-cached',
          url,
          {
            input_cost_per_token: 0.001,
            cache_read_input_token_cost: 0.0001,
            cache_creation_input_token_cost: 0.002,
            cache_creation_input_token_cost_above_1hr: 0.003,
            output_cost_per_token: 0.01,
          },
          { model: 'anthropic/up-m-cached' },
        ),
        model('m-azure', root, perOutput, { model: 'azure/up-m-azure', api_version: '2025-01-01' }),
        model('m-azure-v1', `${root}/openai/v1`, perOutput, { model: 'azure/up-m-azure-v1' }),
        model('m-tts', url, { input_cost_per_character: 0.001 }),
        model('m-tts-tokens', url, { input_cost_per_token: 0, output_cost_per_token: 0.001 }),
        model('m-whisper', url, { input_cost_per_second: 0.001 }),
        model('m-draw', url, { output_cost_per_image: 0.01 }),
        model('m-draw-tokens', url, { ...perOutput, output_cost_per_image_token: 0.002 }),
        model('m-mock', url, perOutput, { mock_response: 'Hello from nobody' }),
        model('m-rank-tokens', url, { input_cost_per_token: 0.001 }),
        model('m-rank', root, { input_cost_per_query: 0.002 }, { model: 'cohere/up-m-rank' }),
        model('m-command', `${root}/v2/chat`, perOutput, { model: 'cohere_chat/up-m-command' }),
      ],
    },
  });
});
afterAll(() => closeAll(gateway, upstream));
afterEach(() => {
  upstream.behave = () => ({});
});

const hello = [{ role: 'user' as const, content: 'Hello!' }];

/** Returns silence as uncompressed WAV: 8,000 bytes a second. */
function wav(seconds = 1): Buffer {
  const bytes = Buffer.alloc(44 + 8_000 * seconds, 0x80);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(8_000, 24);
  bytes.writeUInt32LE(8_000, 28);
  bytes.writeUInt16LE(1, 32);
  bytes.writeUInt16LE(8, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(bytes.length - 44, 40);
  return bytes;
}

type Part = readonly [name: string, value: string | Buffer, filename?: string];
const BOUNDARY = 'tests-boundary-1';
const FORM = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
const form = (...parts: Part[]) =>
  Buffer.concat([
    ...parts.map(([name, value, filename]) =>
      Buffer.concat([
        Buffer.from(
          `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${filename ? `; filename="${filename}"\r\nContent-Type: application/octet-stream` : ''}\r\n\r\n`,
        ),
        Buffer.from(value),
        Buffer.from('\r\n'),
      ]),
    ),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ]);
const spoken = (modelName: string, ...more: Part[]) =>
  form(['model', modelName], ['file', wav(12), 'a.wav'], ...more);

interface Route {
  readonly path: string;
  readonly model: string;
  readonly body: (model: string) => unknown;
  readonly headers?: Record<string, string>;
  /** Cost of the call in USD. `needs` is the smallest budget that admits it. */
  readonly cost: number;
  readonly needs: number;
}
const ROUTES: readonly Route[] = [
  { path: '/chat/completions', model: 'm-out', body: (m) => ({ model: m, messages: hello, max_tokens: 5 }), cost: 0.005, needs: 0.005 },
  { path: '/completions', model: 'm-out', body: (m) => ({ model: m, prompt: 'a', max_tokens: 5 }), cost: 0.005, needs: 0.005 },
  { path: '/messages', model: 'm-claude', body: (m) => ({ model: m, messages: hello, max_tokens: 5 }), cost: 0.005, needs: 0.005 },
  { path: '/responses', model: 'm-out', body: (m) => ({ model: m, input: 'Hello!', max_output_tokens: 5 }), cost: 0.005, needs: 0.005 },
  { path: '/images/generations', model: 'm-draw', body: (m) => ({ model: m, prompt: 'fog', n: 3 }), cost: 0.03, needs: 0.03 },
  { path: '/images/edits', model: 'm-draw', body: (m) => form(['model', m], ['prompt', 'fog'], ['n', '2'], ['image[]', wav(), 'a.png'], ['image[]', wav(), 'b.png']), headers: FORM, cost: 0.02, needs: 0.02 },
  { path: '/audio/speech', model: 'm-tts', body: (m) => ({ model: m, input: 'abc 🎈', voice: 'alloy' }), cost: 0.005, needs: 0.005 },
  // Twelve seconds of sound; the header of the file counts as sound, too.
  { path: '/audio/transcriptions', model: 'm-whisper', body: spoken, headers: FORM, cost: 0.01, needs: 0.012006 },
  { path: '/audio/translations', model: 'm-whisper', body: spoken, headers: FORM, cost: 0.01, needs: 0.012006 },
  { path: '/rerank', model: 'm-rank', body: (m) => ({ model: m, query: 'who?', documents: ['a', 'b'] }), cost: 0.002, needs: 0.002 },
]; // prettier-ignore

const call = (key: string, { path, body, headers }: Route, modelName: string) =>
  gateway.as(key, 'POST', path, body(modelName), headers);
const errorOf = ({ body }: Answer, path: string) => {
  if (path.includes('/messages')) {
    expect(body).toMatchObject({ type: 'error', request_id: expect.any(String) });
  } else expect(body.type).toBeUndefined();
  const { type, details } = body.error;
  // Anthropic's clients get a type of their API; the gateway's own stands beside it.
  return { ...body.error, type: details.type ?? type };
};

describe.each(ROUTES)('$path', (route) => {
  const { path, model: name, cost, needs } = route;

  it('is answered, with and without /v1, billed exactly, within what was held; every header is there', async () => {
    for (const prefix of ['', '/v1']) {
      const key = await gateway.createKey({ max_budget: needs, models: [name], rpm_limit: 10, tpm_limit: 1_000_000 });
      upstream.behave = () => ({ headers: { 'x-odd': 'yes' } });
      const { status, headers, text } = await call(key, { ...route, path: prefix + path }, name);
      expect({ status, text: status === 200 ? '' : text }).toEqual({ status: 200, text: '' });
      expect(headers).toMatchObject({
        'x-litellm-model-id': `d-${name}`,
        'x-litellm-call-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
        'x-litellm-response-cost': String(cost),
        'x-litellm-key-spend': String(cost),
        'x-litellm-key-max-budget': String(needs),
        'x-litellm-overhead-duration-ms': expect.any(String),
        'x-ratelimit-limit-requests': '10',
        'x-ratelimit-remaining-requests': '9',
        'llm_provider-x-odd': 'yes',
      });
      const sent = upstream.calls.at(-1)!;
      expect(sent.path.replace(/^\/v[12]/, '')).toBe(path);
      expect(sent.model).toBe(`up-${name}`);
    }
    const { entries } = await gateway.books();
    const last = entries.at(-1)!;
    expect(last).toMatchObject({ state: 'settled', mark: null, cost: BigInt(Math.round(cost * 1e9)) });
    expect(last.cost! <= last.bound).toBe(true);
  }); // prettier-ignore

  it('is refused for another model, without a body, and to a stranger', async () => {
    const key = await gateway.createKey({ models: ['m-free'] });
    const before = upstream.calls.length;
    const denied = await call(key, route, name);
    expect([denied.status, errorOf(denied, path).type]).toEqual([403, 'key_model_access_denied']);
    const broken = await gateway.as(key, 'POST', path, 'broken', route.headers);
    expect([broken.status, errorOf(broken, path).type]).toEqual([400, 'bad_request_error']);
    const stranger = await call('sk-nobody-knows-this-one', route, name);
    expect([stranger.status, errorOf(stranger, path).code]).toEqual([401, '401']);
    expect(upstream.calls.length).toBe(before);
  });

  it('is refused where a nano-dollar of its bound is missing', async () => {
    const before = upstream.calls.length;
    for (const max_budget of [0, Number((needs - 1e-9).toFixed(9))]) {
      const key = await gateway.createKey({ max_budget, models: [name] });
      const answer = await call(key, route, name);
      expect([answer.status, errorOf(answer, path).type]).toEqual([429, 'budget_exceeded']);
      expect(answer.headers['x-should-retry']).toBe('false');
    }
    expect(upstream.calls.length).toBe(before);
  });

  it('tells an upstream’s error as it should', async () => {
    upstream.behave = () => ({ status: 418, errorBody: { error: { message: 'short and stout' } } });
    const answer = await call(await gateway.createKey(), route, name);
    expect(answer.status).toBe(418);
    expect(errorOf(answer, path)).toMatchObject({
      type: 'upstream_error',
      message: 'short and stout',
    });
  });
});

describe('what a route is called with', () => {
  it('moderations cost nothing and pass with an empty budget', async () => {
    const key = await gateway.createKey({ max_budget: 0 });
    const { status, body } = await gateway.as(key, 'POST', '/v1/moderations', {
      model: 'm-free',
      input: 'a',
    });
    expect([status, body.results[0].flagged]).toEqual([200, false]);
  });

  it('counting tokens costs nothing, holds nothing, and is for whoever may call the model', async () => {
    const before = (await gateway.books()).entries.length;
    const path = '/v1/messages/count_tokens';
    const key = await gateway.createKey({ max_budget: 0 });
    const { status, body } = await gateway.as(key, 'POST', path, { model: 'm-claude', messages: hello });
    expect([status, body]).toEqual([200, { input_tokens: 14 }]);
    const other = await gateway.createKey({ models: ['m-out'] });
    const denied = await gateway.as(other, 'POST', path, { model: 'm-claude', messages: hello });
    expect([denied.status, denied.body.type]).toEqual([403, 'error']);
    expect((await gateway.books()).entries.length).toBe(before);
  });

  it.each([
    ['/v1/messages', 'm-out'],
    ['/v1/responses', 'm-rank'],
  ])('%s is not translated for %s', async (path, name) => {
    const before = upstream.calls.length;
    const { status, body } = await gateway.as(await gateway.createKey(), 'POST', path, { model: name, messages: [], input: 'a', max_tokens: 1 }); // prettier-ignore
    expect([status, body.error.param]).toEqual([400, 'model']);
    expect(body.error.message).toContain('are not translated to it');
    expect(upstream.calls.length).toBe(before);
    expectBalancedLedger(await gateway.books());
  });

  it('Cohere’s chat is its API of OpenAI’s form, its rerank its own', async () => {
    const key = await gateway.createKey({ max_budget: 1 });
    expect((await gateway.chat(key, { model: 'm-command', max_tokens: 2 })).status).toBe(200);
    expect(upstream.calls.at(-1)!.path).toBe('/compatibility/v1/chat/completions');
    const ask = { model: 'm-rank', query: 'who?', documents: ['a'] };
    expect((await gateway.as(key, 'POST', '/v1/rerank', ask)).status).toBe(200);
    expect(upstream.calls.at(-1)!.path).toBe('/v2/rerank');
  });

  it('Azure’s deployment stands in the path, its key in its own header', async () => {
    const key = await gateway.createKey({ max_budget: 1 });
    expect((await gateway.chat(key, { model: 'm-azure', max_tokens: 2 })).status).toBe(200);
    const { path, headers } = upstream.calls.at(-1)!;
    expect(path).toBe('/openai/deployments/up-m-azure/chat/completions?api-version=2025-01-01');
    expect([headers['api-key'], headers.authorization]).toEqual(['sk-provider-key-of-the-tests', undefined]);
    const ask = { model: 'm-azure', input: 'a', max_output_tokens: 2 };
    expect((await gateway.as(key, 'POST', '/v1/responses', ask)).status).toBe(200);
    expect(upstream.calls.at(-1)!.path).toBe('/openai/responses?api-version=2025-01-01');
    expect((await gateway.chat(key, { model: 'm-azure-v1', max_tokens: 2 })).status).toBe(200);
    expect(upstream.calls.at(-1)!.path).toBe('/openai/v1/chat/completions');
  });

  it('Anthropic gets its own headers, what the client says of its version, and nothing else', async () => {
    const key = await gateway.createKey();
    const body = { model: 'm-claude', messages: hello, max_tokens: 2 };
    await gateway.as(key, 'POST', '/v1/messages', body, { 'anthropic-beta': 'b-1', 'x-canary': 'c' });
    const { headers } = upstream.calls.at(-1)!;
    expect(headers).toMatchObject({
      'x-api-key': 'sk-provider-key-of-the-tests',
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'b-1',
    });
    expect(headers.authorization ?? headers['x-canary']).toBeUndefined();
  });

  it('what speaks as a stream has the headers of the others, but for a cost nobody knows yet', async () => {
    const key = await gateway.createKey({ max_budget: 1, rpm_limit: 5 });
    const body = { model: 'm-claude', messages: hello, max_tokens: 10, stream: true };
    upstream.behave = () => ({ headers: { 'x-odd': 'yes' } });
    for (const spent of ['0', '0.01']) {
      const { headers } = await gateway.as(key, 'POST', '/v1/messages', body);
      expect(headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'x-litellm-model-id': 'd-m-claude',
        'x-litellm-call-id': expect.any(String),
        'x-litellm-key-spend': spent,
        'x-litellm-key-max-budget': '1',
        'x-litellm-overhead-duration-ms': expect.any(String),
        'x-ratelimit-limit-requests': '5',
        'llm_provider-x-odd': 'yes',
      });
      expect(headers['x-litellm-response-cost']).toBeUndefined();
    }
  });

  it('a call that comes back to its gateway is told so, in the words of its API', async () => {
    const inner = await gateway.createKey();
    for (const [provider, base] of [
      ['anthropic', gateway.url],
      ['openai', `${gateway.url}/v1`],
    ])
      // prettier-ignore
      await gateway.create('/model/new', {
        model_name: `loop-${provider}`,
        litellm_params: { model: `${provider}/loop-${provider}`, api_base: base, api_key: inner },
        model_info: { input_cost_per_token: 0, output_cost_per_token: 0 },
      });
    const key = await gateway.createKey({ max_budget: 1 });
    const response = await gateway.as(key, 'POST', '/v1/messages', { model: 'loop-anthropic', messages: hello, max_tokens: 1 }); // prettier-ignore
    expect([response.status, response.body.type]).toEqual([508, 'error']);
    const path = '/v1/audio/transcriptions';
    expect((await gateway.as(key, 'POST', path, spoken('loop-openai'), FORM)).status).toBe(508);
    expect((await gateway.as(key, 'POST', '/v1/responses', { model: 'loop-openai', input: 'a' })).status).toBe(508); // prettier-ignore
  });

  it.each([
    ['JSON', false],
    ['a stream', true],
  ])('Anthropic’s cache is billed at its prices: %s', async (_, stream) => {
    const key = await gateway.createKey({ max_budget: 1_000 });
    upstream.behave = () => ({
      usage: {
        input_tokens: 10,
        cache_read_input_tokens: 100,
        cache_creation_input_tokens: 30,
        cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 10 },
        output_tokens: 5,
      },
    });
    const body = { model: 'm-cached', messages: hello, max_tokens: 5, stream };
    const { status, text } = await gateway.as(key, 'POST', '/v1/messages', body);
    expect(status).toBe(200);
    if (stream) expect(text).toContain('message_stop');
    expectBalancedLedger(await gateway.books());
    // 10 × 0.001 + 100 × 0.0001 + 20 × 0.002 + 10 × 0.003 + 5 × 0.01
    expect(await gateway.spendOf(key)).toBe(0.14);
  });

  it.each([
    ['/v1/messages', { model: 'm-claude', messages: hello, max_tokens: 1_000 }, 'max_tokens'],
    ['/v1/responses', { model: 'm-out', input: 'a' }, 'max_output_tokens'],
  ])('%s is shortened to what a budget pays for', async (path, body, limit) => {
    const key = await gateway.createKey({ max_budget: 0.3 });
    const { status, headers } = await gateway.as(key, 'POST', path, body);
    expect([status, headers['x-tollgate-clamped']]).toEqual([200, '300']);
    expect(upstream.calls.at(-1)!.body[limit]).toBe(300);
    expect(await gateway.spendOf(key)).toBe(0.3);
  });

  it.each([
    ['/v1/messages', { model: 'm-claude', messages: hello, max_tokens: 1_000, thinking: { type: 'enabled', budget_tokens: 299 } }, 200],
    ['/v1/messages', { model: 'm-claude', messages: hello, max_tokens: 1_000, thinking: { type: 'enabled', budget_tokens: 300 } }, 429],
  ])('%s %j is never shortened below what it thinks with', async (path, body, status) => {
    const key = await gateway.createKey({ max_budget: 0.3 });
    expect((await gateway.as(key, 'POST', path, body)).status).toBe(status);
  }); // prettier-ignore

  it.each([
    ['/v1/responses', { model: 'm-in', input: 'a', previous_response_id: 'r' }, 429],
    ['/v1/responses', { model: 'm-in', input: 'a', conversation: 'c' }, 429],
    ['/v1/responses', { model: 'm-in', input: [{ type: 'item_reference', id: 'i' }] }, 429],
    ['/v1/responses', { model: 'm-out', prompt: { id: 'p' } }, 403],
    ['/v1/responses', { model: 'm-out', input: 'a', tools: [{ type: 'web_search' }] }, 403],
    ['/v1/responses', { model: 'm-out', input: 'a', background: true }, 400],
    ['/v1/messages', { model: 'm-cached', messages: [{ role: 'user', content: [{ type: 'document', source: {} }] }], max_tokens: 1 }, 429],
    ['/v1/messages', { model: 'm-cached', messages: hello, max_tokens: 1, tools: [{ type: 'computer_20250124' }] }, 429],
    ['/v1/messages', { model: 'm-claude', messages: hello, max_tokens: 1, tools: [{ type: 'web_search_20250305' }] }, 403],
    ['/v1/messages', { model: 'm-claude', messages: hello, max_tokens: 1, mcp_servers: [{}] }, 403],
    ['/v1/messages', { model: 'm-claude', messages: hello, max_tokens: 1, speed: 'fast' }, 403],
    ['/v1/images/generations', { model: 'm-draw-tokens', prompt: 'a' }, 429],
  ] as const)('%s %j may cost more than it says', async (path, body, status) => {
    const key = await gateway.createKey({ max_budget: 50 });
    const before = upstream.calls.length;
    expect((await gateway.as(key, 'POST', path, body)).status).toBe(status);
    expect(upstream.calls.length).toBe(before);
  }); // prettier-ignore

  it.each([
    ['a file that is called something else', 'a.mp3', (file: Buffer) => file],
    [
      'a header of sound nobody records',
      'a.wav',
      (file: Buffer) => (file.writeUInt32LE(4_294_967_295, 24), file),
    ],
  ])('a header says nothing of %s', async (_, fileName, written) => {
    // 96 KB are 12 seconds by the header. At the lowest bit rate of any codec they are 192 seconds.
    const body = form(
      ['model', 'm-whisper'],
      ['response_format', 'text'],
      ['file', written(wav(12)), fileName],
    );
    const send = async (max_budget: number) =>
      gateway.as(await gateway.createKey({ max_budget }), 'POST', '/v1/audio/transcriptions', body, FORM);
    expect((await send(0.19)).status).toBe(429);
    expect((await send(0.193)).status).toBe(200);
  });

  it('a query is read again with every document', async () => {
    const body = { model: 'm-rank-tokens', query: 'q'.repeat(1_000), documents: Array(50).fill('a') };
    const key = await gateway.createKey({ max_budget: 50 });
    expect((await gateway.as(key, 'POST', '/v1/rerank', body)).status).toBe(429);
  });

  it('what Anthropic tells a model with tools is held, also where the prompt was counted', async () => {
    const needed = async (more: object) => {
      const system = [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } }];
      const body = { model: 'm-cached', messages: hello, max_tokens: 1, system, ...more };
      const key = await gateway.createKey({ max_budget: 0.000001 });
      return (await gateway.as(key, 'POST', '/v1/messages', body)).body.error.details.needed as number;
    };
    // A thousand tokens cost three times their price, because the body has them cached for an hour.
    expect((await needed({ tools: [{ name: 'f', input_schema: {} }] })) - (await needed({}))).toBeGreaterThan(
      3.07,
    );
  });

  it('tools of the client’s own, and what they are called with, are only text', async () => {
    const key = await gateway.createKey({ max_budget: 9 });
    const use = { type: 'tool_use', id: 't', name: 'f', input: { file: 'a', type: 'b', api_key: 'c' } };
    const body = {
      model: 'm-cached',
      max_tokens: 1,
      messages: [...hello, { role: 'assistant', content: [use] }],
      tools: [{ name: 'f', input_schema: { type: 'object', properties: { api_key: {} } } }],
    };
    expect((await gateway.as(key, 'POST', '/v1/messages', body)).status).toBe(200);
  });

  it('images by tokens are held at the most an image takes, and billed as told', async () => {
    const key = await gateway.createKey({ max_budget: 500 });
    upstream.behave = () => ({ usage: { input_tokens: 7, output_tokens: 100, total_tokens: 107 } });
    const { status } = await gateway.as(key, 'POST', '/v1/images/generations', { model: 'm-draw-tokens', prompt: 'a' }); // prettier-ignore
    expect([status, await gateway.spendOf(key)]).toEqual([200, 0.2]);
  });

  it('what an answer does not say is estimated, and never more than was held', async () => {
    const key = await gateway.createKey({ max_budget: 10 });
    const sound = await gateway.as(key, 'POST', '/v1/audio/speech', { model: 'm-tts-tokens', input: 'a'.repeat(15) }); // prettier-ignore
    expect([sound.status, sound.headers['content-type']]).toEqual([200, 'audio/mpeg']);
    const text = await gateway.as(key, 'POST', '/v1/audio/transcriptions', spoken('m-whisper', ['response_format', 'text']), FORM); // prettier-ignore
    expect([text.status, text.text]).toEqual([200, 'scripted words\n']);
    const { entries } = await gateway.books();
    for (const { mark, cost, bound } of entries.slice(-2)) {
      expect(mark).toBe('estimated');
      expect(cost! > 0n && cost! <= bound).toBe(true);
    }
    expect(await gateway.spendOf(key)).toBe(0.032006);
  });
});

describe('a form', () => {
  const path = '/v1/audio/transcriptions';
  const send = (key: string, body: Buffer, headers: Record<string, string> = FORM) =>
    gateway.as(key, 'POST', path, body, headers);

  it('is never counted as a prompt, whatever it holds', async () => {
    const poor = await gateway.createKey({ max_budget: 0.01 });
    const edit = form(['model', 'm-draw-tokens'], ['prompt', 'a']);
    const { status, body } = await gateway.as(poor, 'POST', '/v1/images/edits', edit, FORM);
    expect([status, body.error.type]).toEqual([429, 'budget_exceeded']);
    expect(gateway.logs).not.toContain('Counting tokens failed');
  });

  it('goes upstream as it came, but for the model’s name and what speaks to the gateway', async () => {
    const key = await gateway.createKey();
    const file = Buffer.concat([wav(), Buffer.from('\r\n--not-it\r\n'), Buffer.from([0, 255, 13, 10])]);
    const parts: Part[] = [['language', 'grüße'], ['file', file, 'a "b.wav'.replace('"', '%22')], ['x_odd', ' 1 ']]; // prettier-ignore
    const sent = form(['tags', '["a"]'], ['model', 'm-whisper'], ...parts, ['litellm_metadata', '{"a":1}']);
    expect((await send(key, sent)).status).toBe(200);
    const { rawBody, headers } = upstream.calls.at(-1)!;
    expect(rawBody.equals(form(['model', 'up-m-whisper'], ...parts))).toBe(true);
    expect(headers).toMatchObject({ ...FORM, 'content-length': String(rawBody.length) });
  });

  it('has its model in the path, if not among its fields', async () => {
    const key = await gateway.createKey();
    const sent = form(['file', wav(), 'a.wav']);
    const deployments = '/openai/deployments/m-whisper/audio/transcriptions';
    expect((await gateway.as(key, 'POST', deployments, sent, FORM)).status).toBe(200);
    const { rawBody } = upstream.calls.at(-1)!;
    expect(rawBody.equals(form(['file', wav(), 'a.wav'], ['model', 'up-m-whisper']))).toBe(true);
  });

  const raw = (text: string) => Buffer.from(text.replaceAll('\n', '\r\n').replaceAll('#', `--${BOUNDARY}`));
  const field = (name: string, value: string) => `#\nContent-Disposition: form-data; name="${name}"\n\n${value}\n`; // prettier-ignore
  const file = '#\nContent-Disposition: form-data; name="file"; filename="a"\n\nx\n';
  it.each<[string, Buffer, string | null]>([
    ['two models', form(['model', 'm-whisper'], ['model', 'm-deny'], ['file', 'x', 'a']), 'model'],
    ['a model and a file called one', form(['model', 'm-whisper'], ['model', 'm-deny', 'f']), 'model'],
    ['a file called model', form(['model', 'm-whisper', 'f']), 'model'],
    ['an indexed model', form(['model', 'm-whisper'], ['model[]', 'm-deny']), 'model[]'],
    ['an empty model', form(['model', ''], ['file', 'x', 'a']), 'model'],
    ['a model that is no UTF-8', form(['model', Buffer.from([0xff])], ['file', 'x', 'a']), 'model'],
    ['no model', form(['file', 'x', 'a']), 'model'],
    ['two files of one name', form(['model', 'm-whisper'], ['file', 'x', 'a'], ['file', 'y', 'b']), 'file'],
    ['a name in another spelling', form(['mod%65l', 'm-deny'], ['model', 'm-whisper']), null],
    ['a model in another case', form(['MODEL', 'm-deny'], ['model', 'm-whisper'], ['file', 'x', 'a']), 'MODEL'],
    ['… as a file', form(['Model', 'm-deny', 'f'], ['model', 'm-whisper']), 'Model'],
    ['… indexed', form(['model', 'm-whisper'], ['Model[0]', 'm-deny']), 'Model[0]'],
    ['models to choose from', form(['model', 'm-whisper'], ['models[]', 'm-deny']), 'models[]'],
    ['an indexed number', form(['model', 'm-whisper'], ['n[]', '9']), 'n[]'],
    ['a smuggled base', form(['model', 'm-whisper'], ['api_base', 'http://canary']), 'api_base'],
    ['… in brackets', form(['model', 'm-whisper'], ['extra_body[api_base]', 'x']), 'extra_body[api_base]'],
    ['… in JSON', form(['model', 'm-whisper'], ['metadata', '{"a":{"api_base":"http://canary"}}']), 'api_base'],
    ['something before the first part', raw(`hi\n${field('model', 'm-whisper')}#--\n`), null],
    ['something after the last', raw(`${field('model', 'm-whisper')}#--\n${field('model', 'm-deny')}`), null],
    ['no end', raw(field('model', 'm-whisper')), null],
    ['the boundary inside a file', raw(`${field('model', 'm-whisper')}#\nContent-Disposition: form-data; name="file"; filename="a"\n\nx#y\n#--\n`), null],
    ['… after a bare line feed', Buffer.from(raw(`${field('model', 'm-whisper')}${file}#--\n`).toString().replace('x\r\n', `x\n--${BOUNDARY}\r\n`)), null],
    ['a name given twice in one header', raw('#\nContent-Disposition: form-data; name="a"; name="model"\n\nm-whisper\n#--\n'), null],
    ['a header given twice', raw('#\nContent-Disposition: form-data; name="a"\ncontent-disposition: form-data; name="model"\n\nm-whisper\n#--\n'), null],
    ['a folded header', raw('#\nContent-Disposition: form-data;\n name="model"\n\nm-whisper\n#--\n'), null],
    ['an encoded part', raw('#\nContent-Disposition: form-data; name="model"\nContent-Transfer-Encoding: base64\n\nbS13aGlzcGVy\n#--\n'), null],
    ['an escaped quote', raw('#\nContent-Disposition: form-data; name="file"; filename="a\\"; name=\\"model"\n\nx\n#--\n'), null],
    ['too many parts', form(...Array.from({ length: 129 }, (_, i): Part => [`f${i}`, 'x'])), null],
    ['too long a text', form(['model', 'm-whisper'], ['prompt', 'x'.repeat(1024 * 1024 + 1)]), 'prompt'],
  ])('with %s is refused', async (_, body, param) => {
    const key = await gateway.createKey({ models: ['m-whisper'] });
    const before = upstream.calls.length;
    const { status, body: answer } = await send(key, body);
    expect([status, answer.error.param]).toEqual([400, param]);
    expect(upstream.calls.length).toBe(before);
  }); // prettier-ignore

  it.each([
    `multipart/form-data; boundary=${BOUNDARY}; boundary=other`,
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
    'multipart/form-data',
    `multipart/mixed; boundary=${BOUNDARY}`,
    'application/json',
  ])('sent as %s is refused', async (contentType) => {
    const key = await gateway.createKey();
    const { status } = await send(key, spoken('m-whisper'), { 'content-type': contentType });
    expect(status).toBe(400);
  });
});

describe('the openai client', () => {
  const clientOf = async (fields: object = {}) =>
    new OpenAI({
      apiKey: await gateway.createKey({ max_budget: 100, ...fields }),
      baseURL: `${gateway.url}/v1`,
      maxRetries: 0,
    });

  it('responds, whole and in a stream', async () => {
    const openai = await clientOf();
    const whole = await openai.responses.create({ model: 'm-out', input: 'Hello!', max_output_tokens: 3 });
    expect([whole.output_text, whole.usage!.output_tokens]).toEqual(['scripted answer', 3]);
    const stream = openai.responses.stream({ model: 'm-out', input: 'Hello!', max_output_tokens: 3 });
    const deltas: string[] = [];
    stream.on('response.output_text.delta', ({ delta }) => deltas.push(delta));
    expect((await stream.finalResponse()).usage!.output_tokens).toBe(3);
    expect(deltas.join('')).toBe('t0 t1 t2 ');
  });

  it('moderates, draws, edits, speaks, writes down, translates', async () => {
    const openai = await clientOf();
    const moderated = await openai.moderations.create({ model: 'm-free', input: 'a' });
    expect(moderated.results[0]!.flagged).toBe(false);
    const drawn = await openai.images.generate({ model: 'm-draw', prompt: 'a', n: 2 });
    expect(drawn.data).toHaveLength(2);
    const image = [await toFile(wav(), 'a.png'), await toFile(wav(), 'b.png')];
    expect((await openai.images.edit({ model: 'm-draw', prompt: 'a', image })).data).toHaveLength(1);
    const sound = await openai.audio.speech.create({ model: 'm-tts', input: 'abc', voice: 'alloy' });
    expect([...new Uint8Array(await sound.arrayBuffer())]).toEqual([0xff, 0xfb, 0, 1, 2, 0x80]);
    const heard = { model: 'm-whisper', file: await toFile(wav(20), 'a.wav') };
    expect((await openai.audio.transcriptions.create(heard)).text).toBe('scripted words');
    expect((await openai.audio.translations.create(heard)).text).toBe('scripted words');
    expect(await gateway.spendOf(openai.apiKey!)).toBe(0.053);
  });

  it('finds its way as Azure’s client, too', async () => {
    const apiKey = await gateway.createKey({ max_budget: 100, models: ['m-out', 'm-whisper', 'm-draw'] });
    const azure = new AzureOpenAI({ apiKey, endpoint: gateway.url, apiVersion: '2025-01-01', maxRetries: 0 });
    const answer = await azure.chat.completions.create({ model: 'm-out', messages: hello, max_tokens: 3 });
    expect(answer.usage!.completion_tokens).toBe(3);
    const heard = { model: 'm-whisper', file: await toFile(wav(20), 'a.wav') };
    expect((await azure.audio.transcriptions.create(heard)).text).toBe('scripted words');
    expect((await azure.images.generate({ model: 'm-draw', prompt: 'a' })).data).toHaveLength(1);
  });

  it('gets its own exceptions from a form, too', async () => {
    const openai = await clientOf({ models: ['m-out'] });
    const file = await toFile(wav(), 'a.wav');
    await expect(openai.audio.transcriptions.create({ model: 'm-whisper', file })).rejects.toBeInstanceOf(
      OpenAI.PermissionDeniedError,
    );
  });
});

describe('the anthropic client', () => {
  const clientOf = async (fields: object = {}) =>
    new Anthropic({
      apiKey: await gateway.createKey({ max_budget: 100, ...fields }),
      baseURL: gateway.url,
      maxRetries: 3,
    });
  const ask = { model: 'm-claude', messages: hello, max_tokens: 3 };

  it('talks, streams and counts', async () => {
    const anthropic = await clientOf();
    const whole = await anthropic.messages.create(ask);
    expect([whole.content[0], whole.usage.output_tokens]).toMatchObject([{ text: 'scripted answer' }, 3]);
    const stream = anthropic.messages.stream(ask);
    expect((await stream.finalMessage()).usage.output_tokens).toBe(3);
    expect(await stream.finalText()).toBe('t0 t1 t2 ');
    expect(await anthropic.messages.countTokens({ model: 'm-claude', messages: hello })).toMatchObject({ input_tokens: 14 }); // prettier-ignore
    expect(await gateway.spendOf(anthropic.apiKey!)).toBe(0.006);
  });

  it('gets its own exceptions, with ours inside, and does not storm', async () => {
    const before = upstream.calls.length;
    const denied = await clientOf({ models: ['m-out'] });
    await expect(denied.messages.create(ask)).rejects.toBeInstanceOf(Anthropic.PermissionDeniedError);
    const stranger = new Anthropic({ apiKey: 'sk-nobody-knows-this-one', baseURL: gateway.url });
    await expect(stranger.messages.create(ask)).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
    let attempts = 0;
    const poor = (await clientOf({ max_budget: 0 })).withOptions({
      fetch: (...call) => {
        attempts++;
        return fetch(...call);
      },
    });
    const error = await poor.messages.create(ask).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Anthropic.RateLimitError);
    expect((error as { error: unknown }).error).toMatchObject({ type: 'error', error: { type: 'billing_error', details: { type: 'budget_exceeded', retryable: false } } }); // prettier-ignore
    expect([attempts, upstream.calls.length - before]).toEqual([1, 0]);
  });

  it('is told in its own shape that a body is too large', async () => {
    const content = 'x'.repeat(51 * 1024 * 1024);
    const large = (await clientOf()).messages.create({ ...ask, messages: [{ role: 'user', content }] });
    const error = await large.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      status: 413,
      error: {
        type: 'error',
        error: { type: 'invalid_request_error', details: { type: 'request_too_large' } },
      },
    });
  });

  it('hears in mid-stream that there is no more', async () => {
    upstream.behave = () => ({ tokensBefore: 2, ending: 'reset' });
    const stream = (await clientOf()).messages.stream(ask);
    const error = await stream.finalMessage().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ type: 'api_error', message: expect.stringContaining('The upstream broke off its answer.') }); // prettier-ignore
  });
});

describe('a mocked model', () => {
  it('answers in each API’s own shapes', async () => {
    const apiKey = await gateway.createKey({ max_budget: 100 });
    const openai = new OpenAI({ apiKey, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
    const anthropic = new Anthropic({ apiKey, baseURL: gateway.url, maxRetries: 0 });
    const said = 'Hello from nobody';
    const asked = { model: 'm-mock', messages: hello, max_tokens: 20 };
    expect((await anthropic.messages.create(asked)).content[0]).toMatchObject({ text: said });
    expect(await anthropic.messages.stream(asked).finalText()).toBe(said);
    const response = { model: 'm-mock', input: 'a', max_output_tokens: 20 };
    expect((await openai.responses.create(response)).output_text).toBe(said);
    expect((await openai.responses.stream(response).finalResponse()).output_text).toBe(said);
    expect((await openai.moderations.create({ model: 'm-mock', input: 'a' })).results).toHaveLength(1);
    expect(await gateway.spendOf(apiKey)).toBe(0.02);
    const unlimited = openai.withOptions({ apiKey: await gateway.createKey() });
    await expect(unlimited.images.generate({ model: 'm-mock', prompt: 'a' })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    );
  });
});

describe('the ai client', () => {
  it('talks and streams through both APIs, embeds, writes down', async () => {
    const apiKey = await gateway.createKey({ max_budget: 100 });
    const openai = createOpenAI({ apiKey, baseURL: `${gateway.url}/v1` });
    const anthropic = createAnthropic({ apiKey, baseURL: `${gateway.url}/v1` });
    for (const languageModel of [openai('m-out'), openai.chat('m-out'), anthropic('m-claude')]) {
      const asked = { model: languageModel, prompt: 'Hello!', maxOutputTokens: 3, maxRetries: 0 };
      const { text, usage } = await generateText(asked);
      expect([text, usage.outputTokens]).toEqual(['scripted answer', 3]);
      const stream = streamText(asked);
      expect([await stream.text, (await stream.usage).outputTokens]).toEqual(['t0 t1 t2 ', 3]);
    }
    expect((await embed({ model: openai.embedding('m-embed'), value: 'a' })).embedding).toEqual([0.5, -0.5]);
    const heard = await experimental_transcribe({ model: openai.transcription('m-whisper'), audio: wav(20), maxRetries: 0 }); // prettier-ignore
    expect(heard.text).toBe('scripted words');
    expect(await gateway.spendOf(apiKey)).toBe(0.028);
    expectBalancedLedger(await gateway.books());
  });
});
