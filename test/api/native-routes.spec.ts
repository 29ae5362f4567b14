import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { GoogleGenAI } from '@google/genai';
import { GoogleAuth } from 'google-auth-library';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AWS_KEY, chunkFrame, type CloudAnswer, Clouds, exceptionFrame, frame } from '../harness/clouds.js';
import { Gateway } from '../harness/gateway.js';

const PRICES = {
  input_cost_per_token: 0.000003,
  output_cost_per_token: 0.000015,
  cache_read_input_token_cost: 0.0000003,
  cache_creation_input_token_cost: 0.00000375,
};
const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5',
  content: [{ type: 'text', text: 'Danube' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 11, output_tokens: 5, cache_read_input_tokens: 7, cache_creation_input_tokens: 3 },
};
/** 11 × 3 + 5 × 15 + 7 × 0.3 + 3 × 3.75 millionths of a dollar. */
const CLAUDE_NANO_USD = 121_350n;
const EVENTS = [
  { type: 'message_start', message: { ...MESSAGE, content: [], stop_reason: null, usage: { ...MESSAGE.usage, output_tokens: 1 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Danube' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } },
  { type: 'message_stop' },
]; // prettier-ignore
const SSE = EVENTS.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
const FRAMES = 'application/vnd.amazon.eventstream';

const converseFrame = (type: string, payload: object) =>
  frame(
    { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
    { ...payload, p: 'ab' },
  );
const CONVERSE_USAGE = {
  inputTokens: 11,
  outputTokens: 5,
  totalTokens: 26,
  cacheReadInputTokens: 7,
  cacheWriteInputTokens: 3,
};
const CONVERSE_EVENTS = [
  converseFrame('messageStart', { role: 'assistant' }),
  converseFrame('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Danube' } }),
  converseFrame('contentBlockStop', { contentBlockIndex: 0 }),
  converseFrame('messageStop', { stopReason: 'end_turn' }),
  converseFrame('metadata', { usage: CONVERSE_USAGE, metrics: { latencyMs: 5 } }),
];

const META = {
  promptTokenCount: 20,
  cachedContentTokenCount: 8,
  candidatesTokenCount: 4,
  thoughtsTokenCount: 6,
  totalTokenCount: 30,
};
/** 12 × 3 + 8 × 0.3 + 10 × 15 millionths of a dollar. */
const GEMINI_NANO_USD = 188_400n;
const chunk = (
  text: string,
  more: object = {},
  meta: object = { ...META, candidatesTokenCount: 1, totalTokenCount: 27 },
) => ({
  candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] }, ...more }],
  usageMetadata: meta,
  modelVersion: 'gemini-2.5-flash',
  responseId: 'r1',
});
const GEMINI_WHOLE = chunk('Danube', { finishReason: 'STOP' }, META);
const GEMINI_CHUNKS = [chunk('Dan'), chunk('ube', { finishReason: 'STOP' }, META)];
const GEMINI_SSE = GEMINI_CHUNKS.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`);

let clouds: Clouds;
let gateway: Gateway;
let key: string;

beforeAll(async () => {
  clouds = await Clouds.start();
  const { url } = clouds;
  const model = (name: string, params: object, info: object = {}) => ({
    model_name: name,
    litellm_params: { ...PRICES, ...params },
    model_info: { max_input_tokens: 200_000, max_output_tokens: 1_000, ...info },
  });
  const vertex = {
    vertex_credentials: clouds.serviceAccount,
    vertex_location: 'europe-west1',
    api_base: `${url}/v1`,
  };
  const aws = {
    aws_region_name: 'eu-central-1',
    aws_bedrock_runtime_endpoint: url,
    aws_access_key_id: AWS_KEY.accessKeyId,
    aws_secret_access_key: AWS_KEY.secretAccessKey,
  };
  gateway = await Gateway.start({
    config: {
      model_list: [
        model('claude', { model: 'bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0', ...aws }),
        model('nova', { model: 'bedrock/eu.amazon.nova-pro-v1:0', ...aws }),
        model('claude-vertex', { model: 'vertex_ai/claude-sonnet-4-5@20250929', ...vertex }),
        model('claude-direct', {
          model: 'anthropic/claude-sonnet-4-5',
          api_key: 'anthropic-key-of-the-tests',
          api_base: url,
        }),
        model('flash', {
          model: 'gemini/gemini-2.5-flash',
          api_key: 'google-key-of-the-tests',
          api_base: url,
        }),
        model('flash-vertex', { model: 'vertex_ai/gemini-2.5-flash', ...vertex }),
        model('gpt', { model: 'openai/gpt-4o', api_key: 'k', api_base: `${url}/v1` }),
      ],
    },
    env: { AWS_EC2_METADATA_DISABLED: 'true' },
  });
  key = await gateway.createKey({ max_budget: 5 });
});
afterAll(async () => {
  await gateway.close();
  await clouds.close();
});

const BODY = { max_tokens: 20, messages: [{ role: 'user' as const, content: 'Name a river.' }] };
const lastEntry = async () => {
  const { entries } = await gateway.books();
  const { cost, mark, state } = entries.at(-1)!;
  return { cost, mark, state };
};
const lastCall = () => clouds.calls.at(-1)!;
const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  gateway.as(key, 'POST', path, body, headers);

const bedrock = () =>
  new AnthropicBedrock({
    baseURL: `${gateway.url}/bedrock`,
    apiKey: key,
    awsRegion: 'eu-central-1',
    maxRetries: 0,
  });

describe('Anthropic’s client for Bedrock', () => {
  it.each(['claude', 'claude-vertex', 'claude-direct'])('gets an answer of %s', async (model) => {
    clouds.answer = () => ({ body: MESSAGE });
    const answer = await bedrock().messages.create({ ...BODY, model });
    expect(answer.content).toEqual(MESSAGE.content);
    expect(await lastEntry()).toEqual({ cost: CLAUDE_NANO_USD, mark: null, state: 'settled' });
    const { path, body, headers } = lastCall();
    expect(path).toBe(
      {
        claude: '/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke',
        'claude-vertex':
          '/v1/projects/proj-1/locations/europe-west1/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict',
        'claude-direct': '/v1/messages',
      }[model],
    );
    expect(body.anthropic_version).toBe(
      { claude: 'bedrock-2023-05-31', 'claude-vertex': 'vertex-2023-10-16' }[model],
    );
    expect(body.model).toBe(model === 'claude-direct' ? 'claude-sonnet-4-5' : undefined);
    expect(JSON.stringify(headers)).not.toContain(key);
  });

  it.each(['claude', 'claude-vertex', 'claude-direct'])(
    'streams an answer of %s, with betas',
    async (model) => {
      clouds.answer = () =>
        model === 'claude' ? { pieces: EVENTS.map(chunkFrame), contentType: FRAMES } : { pieces: SSE };
      const stream = bedrock().messages.stream(
        { ...BODY, model },
        { headers: { 'anthropic-beta': 'context-1m-2025-08-07' } },
      );
      const final = await stream.finalMessage();
      expect([final.content[0], final.usage.output_tokens]).toEqual([{ type: 'text', text: 'Danube' }, 5]);
      expect(await lastEntry()).toEqual({ cost: CLAUDE_NANO_USD, mark: null, state: 'settled' });
      const { body, headers } = lastCall();
      if (model === 'claude') expect(body.anthropic_beta).toEqual(['context-1m-2025-08-07']);
      else
        expect([headers['anthropic-beta'], body.anthropic_beta, body.stream]).toEqual([
          'context-1m-2025-08-07',
          undefined,
          true,
        ]);
    },
  );

  it('reads an error in AWS’s words', async () => {
    const error = await bedrock()
      .messages.create({ ...BODY, model: 'nobody' })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 400, error: { message: expect.stringContaining('nobody') } });
    const { headers } = await post('/bedrock/model/nobody/invoke', BODY);
    expect(headers['x-amzn-errortype']).toBe('ValidationException');
  });

  it('is held to the budget: the output limit is clamped in the body', async () => {
    clouds.answer = () => ({ body: MESSAGE });
    const { headers } = await post('/bedrock/model/claude/invoke', {
      ...BODY,
      max_tokens: 9_000,
      anthropic_version: 'bedrock-2023-05-31',
    });
    expect(lastCall().body.max_tokens).toBe(1_000);
    expect(headers['x-tollgate-clamped']).toBe('1000');
  });

  it('signature, session and credentials of the client are dropped', async () => {
    clouds.answer = () => ({ body: MESSAGE });
    const { status } = await gateway.send(
      'POST',
      '/bedrock/model/claude/invoke',
      { ...BODY, anthropic_version: 'x' },
      {
        authorization:
          'AWS4-HMAC-SHA256 Credential=CLIENTKEY/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00',
        'x-amz-security-token': 'session-of-the-client',
        'x-amz-date': '20200101T000000Z',
        'x-goog-user-project': 'project-of-the-client',
        'x-api-key': key,
      },
    );
    expect(status).toBe(200);
    const sent = JSON.stringify(lastCall().headers);
    for (const text of ['CLIENTKEY', 'session-of-the-client', '20200101', 'project-of-the-client', key])
      expect(sent).not.toContain(text);
  });

  it('a signature alone is no credential', async () => {
    const { status } = await gateway.send('POST', '/bedrock/model/claude/invoke', BODY, {
      authorization:
        'AWS4-HMAC-SHA256 Credential=A/1/r/bedrock/aws4_request, SignedHeaders=host, Signature=00',
    });
    expect(status).toBe(401);
  });
});

describe('Anthropic’s client for Vertex AI', () => {
  const client = () => {
    const authClient = { getRequestHeaders: async () => new Headers({ authorization: `Bearer ${key}` }) };
    const googleAuth = { getClient: async () => authClient } as unknown as GoogleAuth;
    return new AnthropicVertex({
      baseURL: `${gateway.url}/vertex_ai/v1`,
      region: 'us-east5',
      projectId: 'p',
      googleAuth,
      maxRetries: 0,
    } as never);
  };

  it('gets an answer', async () => {
    clouds.answer = () => ({ body: MESSAGE });
    const answer = await client().messages.create({ ...BODY, model: 'claude-vertex' });
    expect(answer.content).toEqual(MESSAGE.content);
    expect(lastCall().path).toContain(
      '/projects/proj-1/locations/europe-west1/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict',
    );
    expect(await lastEntry()).toEqual({ cost: CLAUDE_NANO_USD, mark: null, state: 'settled' });
  });

  it('streams, also from Bedrock', async () => {
    for (const model of ['claude-vertex', 'claude']) {
      clouds.answer = () =>
        model === 'claude' ? { pieces: EVENTS.map(chunkFrame), contentType: FRAMES } : { pieces: SSE };
      const final = await client()
        .messages.stream({ ...BODY, model })
        .finalMessage();
      expect(final.content[0]).toEqual({ type: 'text', text: 'Danube' });
      expect(await lastEntry()).toEqual({ cost: CLAUDE_NANO_USD, mark: null, state: 'settled' });
    }
  });

  it('counts tokens without cost', async () => {
    clouds.answer = () => ({ body: { input_tokens: 9 } });
    const { input_tokens } = await client().messages.countTokens({
      messages: BODY.messages,
      model: 'claude-vertex',
    });
    expect(input_tokens).toBe(9);
    expect(lastCall().path).toMatch(/\/models\/count-tokens:rawPredict$/);
  });
});

describe('Converse', () => {
  const CONVERSE = {
    messages: [{ role: 'user', content: [{ text: 'Name a river.' }] }],
    inferenceConfig: { maxTokens: 20, temperature: 0.5 },
  };
  const whole: CloudAnswer = {
    body: {
      output: { message: { role: 'assistant', content: [{ text: 'Danube' }] } },
      stopReason: 'end_turn',
      usage: CONVERSE_USAGE,
      metrics: {},
    },
  };

  it.each(['claude', 'nova'])('passes to %s, with exact money', async (model) => {
    clouds.answer = () => whole;
    const { status, body } = await post(`/bedrock/model/${model}/converse`, CONVERSE);
    expect([status, body]).toEqual([200, whole.body]);
    expect(lastCall().path).toMatch(/^\/model\/eu\.a.*%3A0\/converse$/);
    expect(lastCall().body).toEqual(CONVERSE);
    expect(await lastEntry()).toEqual({ cost: CLAUDE_NANO_USD, mark: null, state: 'settled' });
  });

  it('streams frames, the last one after the settlement', async () => {
    clouds.answer = () => ({ pieces: CONVERSE_EVENTS, contentType: FRAMES });
    const response = await fetch(`${gateway.url}/bedrock/model/nova/converse-stream`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(CONVERSE),
    });
    expect(response.headers.get('content-type')).toBe(FRAMES);
    const frames = framesIn(Buffer.from(await response.arrayBuffer()));
    expect(frames.map(({ type }) => type)).toEqual([
      'messageStart',
      'contentBlockDelta',
      'contentBlockStop',
      'messageStop',
      'metadata',
    ]);
    expect(frames[1]!.payload).toMatchObject({ delta: { text: 'Danube' } });
    expect(frames[4]!.payload).toMatchObject({ usage: CONVERSE_USAGE });
    expect(lastCall().path).toMatch(/\/converse-stream$/);
    expect(await lastEntry()).toEqual({ cost: CLAUDE_NANO_USD, mark: null, state: 'settled' });
  });

  it('an exception in mid-stream arrives as one, and what was delivered is billed', async () => {
    clouds.answer = () => ({
      pieces: [...CONVERSE_EVENTS.slice(0, 2), exceptionFrame('throttlingException', 'Slow down')],
      contentType: FRAMES,
    });
    const response = await fetch(`${gateway.url}/bedrock/model/nova/converse-stream`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(CONVERSE),
    });
    const last = framesIn(Buffer.from(await response.arrayBuffer())).at(-1)!;
    expect(last).toMatchObject({
      type: 'throttlingException',
      isException: true,
      payload: { message: 'Slow down' },
    });
    const { cost, mark } = await lastEntry();
    expect([mark, cost! > 0n && cost! < CLAUDE_NANO_USD]).toEqual(['unconfirmed', true]);
  });

  it('the limit is clamped inside inferenceConfig', async () => {
    clouds.answer = () => whole;
    await post('/bedrock/model/nova/converse', {
      ...CONVERSE,
      inferenceConfig: { temperature: 0.5, maxTokens: 9_000 },
    });
    expect(lastCall().body.inferenceConfig).toEqual({ temperature: 0.5, maxTokens: 1_000 });
    await post('/bedrock/model/nova/converse', { messages: CONVERSE.messages });
    expect(lastCall().body.inferenceConfig).toEqual({ maxTokens: 1_000 });
  });

  it.each([
    [{ additionalModelRequestFields: { max_tokens: 9_000 } }, 400, 'additionalModelRequestFields'],
    [
      { additionalModelRequestFields: { inferenceConfig: { maxTokens: 9_000 } } },
      400,
      'additionalModelRequestFields',
    ],
    [{ promptVariables: { a: { text: 'b' } } }, 400, 'stored at the provider'],
    [{ inferenceConfig: { maxTokens: -1 } }, 400, 'inferenceConfig'],
    [{ guardrailConfig: { guardrailIdentifier: 'g', guardrailVersion: '1' } }, 403, 'guardrailConfig'],
    [{ performanceConfig: { latency: 'optimized' } }, 403, 'performanceConfig'],
    [{ serviceTier: { type: 'priority' } }, 403, 'serviceTier'],
  ])('%j is refused', async (more, status, words) => {
    const before = clouds.calls.length;
    const answer = await post('/bedrock/model/nova/converse', { ...CONVERSE, ...more });
    expect([answer.status, clouds.calls.length]).toEqual([status, before]);
    expect(answer.body.message).toContain(words);
  });

  it('InvokeModel answers for Claude alone', async () => {
    const before = clouds.calls.length;
    const { status, body } = await post('/bedrock/model/nova/invoke', BODY);
    expect([status, clouds.calls.length, body.message]).toEqual([
      400,
      before,
      expect.stringContaining('nova'),
    ]);
  });

  it('does not answer for a model of another API', async () => {
    const { status, body } = await post('/bedrock/model/gpt/converse', CONVERSE);
    expect([status, body.message]).toEqual([400, expect.stringContaining('gpt')]);
  });
});

describe('Google’s client', () => {
  const client = (vertexai = false) =>
    new GoogleGenAI({
      apiKey: key,
      httpOptions: { baseUrl: vertexai ? `${gateway.url}/gemini` : gateway.url },
    });
  const REQUEST = {
    contents: 'Name a river.',
    config: { maxOutputTokens: 50, systemInstruction: 'Be brief.' },
  };

  it.each([
    ['flash', '/v1beta/models/gemini-2.5-flash:generateContent'],
    [
      'flash-vertex',
      '/v1/projects/proj-1/locations/europe-west1/publishers/google/models/gemini-2.5-flash:generateContent',
    ],
  ])('gets an answer of %s', async (model, path) => {
    clouds.answer = () => ({ body: GEMINI_WHOLE });
    const answer = await client(model === 'flash-vertex').models.generateContent({ model, ...REQUEST });
    expect(answer.text).toBe('Danube');
    const { headers, body } = lastCall();
    expect(lastCall().path).toBe(path);
    if (model === 'flash')
      expect([headers['x-goog-api-key'], headers.authorization]).toEqual([
        'google-key-of-the-tests',
        undefined,
      ]);
    else expect(headers.authorization).toMatch(/^Bearer token-number-/);
    expect(body.generationConfig).toMatchObject({ maxOutputTokens: 50 });
    expect(body.model).toBeUndefined();
    expect(JSON.stringify(headers)).not.toContain(key);
    expect(await lastEntry()).toEqual({ cost: GEMINI_NANO_USD, mark: null, state: 'settled' });
  });

  it('streams', async () => {
    clouds.answer = () => ({ pieces: GEMINI_SSE });
    let text = '';
    for await (const part of await client().models.generateContentStream({ model: 'flash', ...REQUEST }))
      text += part.text;
    expect(text).toBe('Danube');
    expect(lastCall().path).toBe('/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse');
    expect(await lastEntry()).toEqual({ cost: GEMINI_NANO_USD, mark: null, state: 'settled' });
  });

  it('a stream without alt=sse is one JSON array', async () => {
    clouds.answer = () => ({ pieces: GEMINI_SSE });
    const { body, headers } = await post('/v1beta/models/flash:streamGenerateContent', {
      contents: [{ parts: [{ text: 'Hi' }] }],
    });
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(body).toEqual(GEMINI_CHUNKS);
    expect(await lastEntry()).toEqual({ cost: GEMINI_NANO_USD, mark: null, state: 'settled' });
  });

  it('counts and embeds', async () => {
    clouds.answer = () => ({ body: { totalTokens: 4 } });
    expect((await client().models.countTokens({ model: 'flash', contents: 'Hi' })).totalTokens).toBe(4);
    expect((await lastEntry()).cost).not.toBe(0n);
    clouds.answer = () => ({
      body: { embedding: { values: [0.5] }, usageMetadata: { promptTokenCount: 2, totalTokenCount: 2 } },
    });
    const { status } = await post('/v1beta/models/flash:embedContent', {
      content: { parts: [{ text: 'Hi' }] },
      model: 'models/another',
    });
    expect([status, lastCall().path, lastCall().body.model]).toEqual([
      200,
      '/v1beta/models/gemini-2.5-flash:embedContent',
      undefined,
    ]);
    expect(await lastEntry()).toEqual({ cost: 6_000n, mark: null, state: 'settled' });
  });

  it('reads errors in Google’s words', async () => {
    const error = (await client()
      .models.generateContent({ model: 'nobody', ...REQUEST })
      .catch((thrown: unknown) => thrown)) as { status: number; message: string };
    expect([error.status, error.message]).toEqual([400, expect.stringContaining('INVALID_ARGUMENT')]);
    const unknown = await gateway.send(
      'POST',
      '/v1beta/models/flash:generateContent',
      {},
      { 'x-goog-api-key': 'sk-nobody' },
    );
    expect([unknown.status, unknown.body.error]).toEqual([
      401,
      expect.objectContaining({ code: 401, status: 'UNAUTHENTICATED' }),
    ]);
  });

  it('a stream that breaks off is an error, and what was delivered is billed', async () => {
    clouds.answer = () => ({ pieces: GEMINI_SSE.slice(0, 1), breaksOff: true });
    const { text } = await post('/v1beta/models/flash:streamGenerateContent?alt=sse', {
      contents: [{ parts: [{ text: 'Hi' }] }],
    });
    expect(text).toContain('"error"');
    expect((await lastEntry()).mark).toBe('unconfirmed');
  });

  it('the limit is clamped inside generationConfig', async () => {
    clouds.answer = () => ({ body: GEMINI_WHOLE });
    await post('/v1beta/models/flash:generateContent', {
      contents: [{ parts: [{ text: 'Hi' }] }],
      generationConfig: { topP: 0.5, maxOutputTokens: 70_000 },
    });
    expect(lastCall().body.generationConfig).toEqual({ topP: 0.5, maxOutputTokens: 1_000 });
  });

  it.each([
    [{ cachedContent: 'cachedContents/1' }, 400, 'cachedContent'],
    [{ generation_config: { max_output_tokens: 5 } }, 400, 'generationConfig'],
    [{ generationConfig: { max_output_tokens: 5 } }, 400, 'maxOutputTokens'],
    [{ generationConfig: { candidateCount: 100 } }, 400, 'candidateCount'],
    [{ tools: [{ googleSearch: {} }] }, 403, 'googleSearch'],
    [{ tools: [{ google_search: {} }] }, 403, 'google_search'],
    [{ generationConfig: { responseModalities: ['IMAGE'] } }, 403, 'responseModalities'],
  ])('%j is refused', async (more, refusal, words) => {
    const before = clouds.calls.length;
    const { status, body } = await post('/v1beta/models/flash:generateContent', {
      contents: [{ parts: [{ text: 'Hi' }] }],
      ...more,
    });
    expect([status, clouds.calls.length, body.error.message]).toEqual([
      refusal,
      before,
      expect.stringContaining(words),
    ]);
  });

  it('an action that is not served is named', async () => {
    for (const action of ['batchGenerateContent', 'constructor', '']) {
      const { status } = await post(`/v1beta/models/flash:${action}`, { contents: [] });
      expect(status).toBe(400);
    }
  });
});

describe('both guards', () => {
  const ROUTES = [
    '/bedrock/model/claude/invoke',
    '/bedrock/model/nova/converse-stream',
    '/v1beta/models/flash:generateContent',
    '/gemini/v1beta/models/flash:streamGenerateContent',
    '/vertex_ai/v1/projects/p/locations/l/publishers/anthropic/models/claude-vertex:rawPredict',
    '/vertex-ai/v1beta1/projects/p/locations/l/publishers/google/models/flash-vertex:generateContent',
  ];
  const body = { ...BODY, contents: [{ parts: [{ text: 'Hi' }] }] };

  it.each(ROUTES)('%s', async (path) => {
    const before = clouds.calls.length;
    const without = await gateway.send('POST', path, body);
    const otherModel = await gateway.as(await gateway.createKey({ models: ['gpt'] }), 'POST', path, body);
    const otherRoute = await gateway.as(
      await gateway.createKey({ allowed_routes: ['/v1/chat/completions'] }),
      'POST',
      path,
      body,
    );
    const empty = await gateway.as(await gateway.createKey({ max_budget: 0 }), 'POST', path, body);
    expect([without.status, otherModel.status, otherRoute.status, empty.status]).toEqual([
      401, 403, 403, 429,
    ]);
    expect(clouds.calls.length).toBe(before);
  });

  it.each(ROUTES)('%s is one of llm_api_routes', async (path) => {
    const limited = await gateway.createKey({ allowed_routes: ['llm_api_routes'] });
    clouds.answer = () => ({ status: 500, body: {} });
    const { status } = await gateway.as(limited, 'POST', path, body);
    expect(status).toBe(500);
  });
});

/** Returns the frames of a stream. Throws if a checksum is wrong. */
function framesIn(bytes: Buffer) {
  const codec = new EventStreamCodec(
    (text) => Buffer.from(text as Uint8Array).toString('utf8'),
    (text) => Buffer.from(text, 'utf8'),
  );
  const frames: { type: string; isException: boolean; payload: unknown }[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    const { headers, body } = codec.decode(bytes.subarray(at, at + bytes.readUInt32BE(at)));
    const type = (headers[':event-type'] ?? headers[':exception-type'])!.value as string;
    frames.push({
      type,
      isException: headers[':message-type']!.value === 'exception',
      payload: JSON.parse(Buffer.from(body).toString()) as unknown,
    });
  }
  return frames;
}
