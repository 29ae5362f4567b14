import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AWS_KEY, chunkFrame, Clouds, type CloudRequest, exceptionFrame } from '../harness/clouds.js';
import { eventually } from '../harness/eventually.js';
import { Gateway } from '../harness/gateway.js';

const PRICES = {
  input_cost_per_token: 0.000003,
  output_cost_per_token: 0.000015,
  cache_read_input_token_cost: 0.0000003,
  cache_creation_input_token_cost: 0.00000375,
};
const USAGE = {
  input_tokens: 11,
  output_tokens: 5,
  cache_read_input_tokens: 7,
  cache_creation_input_tokens: 3,
};
/** 11 × 3 + 5 × 15 + 7 × 0.3 + 3 × 3.75 millionths of a dollar. */
const COST_NANO_USD = 121_350n;

const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5',
  content: [{ type: 'text', text: 'Danube' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: USAGE,
};
const EVENTS = [
  { type: 'message_start', message: { ...MESSAGE, content: [], stop_reason: null, usage: { ...USAGE, output_tokens: 1 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Dan' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'ube' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } },
  { type: 'message_stop' },
]; // prettier-ignore

let clouds: Clouds;
let gateway: Gateway;

beforeAll(async () => {
  clouds = await Clouds.start();
  const { url } = clouds;
  const model = (name: string, params: object) => ({
    model_name: name,
    litellm_params: { ...PRICES, ...params },
    model_info: { max_input_tokens: 200_000, max_output_tokens: 64_000 },
  });
  const vertex = {
    vertex_credentials: clouds.serviceAccount,
    vertex_location: 'europe-west1',
    api_base: `${url}/v1`,
  };
  const aws = { aws_region_name: 'eu-central-1', aws_bedrock_runtime_endpoint: url };
  const key = { aws_access_key_id: AWS_KEY.accessKeyId, aws_secret_access_key: AWS_KEY.secretAccessKey };
  const sts = { aws_sts_endpoint: `${url}/sts` };
  const CLAUDE = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
  gateway = await Gateway.start({
    config: {
      model_list: [
        model('vertex', { model: 'vertex_ai/claude-sonnet-4-5@20250929', ...vertex }),
        model('partner', { model: 'vertex_ai/meta/llama-4-scout', ...vertex }),
        model('gemini', { model: 'vertex_ai/gemini-2.5-flash', ...vertex }),
        model('bedrock', { model: `bedrock/eu.${CLAUDE}`, ...aws, ...key }),
        model('session', {
          model: `bedrock/${CLAUDE}`,
          ...aws,
          ...key,
          aws_session_token: 'session-of-the-tests',
        }),
        model('arn', {
          model: 'bedrock/arn:aws:bedrock:eu-central-1:111122223333:inference-profile/eu.anthropic.claude-x',
          ...key,
          aws_bedrock_runtime_endpoint: url,
        }),
        model('profile-id', {
          model: `bedrock/eu-central-1/${CLAUDE}`,
          model_id: 'arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abc',
          ...key,
          aws_bedrock_runtime_endpoint: url,
        }),
        model('role', {
          model: `bedrock/${CLAUDE}`,
          ...aws,
          ...key,
          ...sts,
          aws_role_name: 'arn:aws:iam::111122223333:role/gate',
          aws_external_id: 'ext-1',
        }),
        model('web', {
          model: `bedrock/${CLAUDE}`,
          ...aws,
          ...sts,
          aws_role_name: 'arn:aws:iam::111122223333:role/web',
          aws_web_identity_token: 'a.b.c',
        }),
        model('forbidden', {
          model: `bedrock/${CLAUDE}`,
          ...aws,
          ...key,
          ...sts,
          aws_role_name: 'arn:aws:iam::111122223333:role/forbidden',
        }),
        model('bearer', { model: `bedrock/${CLAUDE}`, ...aws, api_key: 'bedrock-api-key-of-the-tests' }),
        model('azure-claude', {
          model: 'azure_ai/claude-sonnet-4-5',
          api_base: url,
          api_key: 'azure-key-of-the-tests',
        }),
        model('azure-entra', { model: 'azure/my-dep', api_base: url }),
        model('azure-token', {
          model: 'azure/my-dep',
          api_base: url,
          azure_ad_token: 'entra-token-of-the-tests',
        }),
        model('no-region', { model: `bedrock/${CLAUDE}`, ...key }),
        model('two-regions', {
          model: `bedrock/us-west-2/${CLAUDE}`,
          ...key,
          aws_region_name: 'eu-central-1',
        }),
        model('no-project', { model: 'vertex_ai/claude-sonnet-4-5', vertex_location: 'us-east5' }),
      ],
    },
    env: {
      IDENTITY_ENDPOINT: `${url}/msi`,
      IDENTITY_HEADER: 'header-of-the-host',
      AZURE_CREDENTIAL: 'ManagedIdentityCredential',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await clouds.close();
});

const BODY = { max_tokens: 20, messages: [{ role: 'user', content: 'Name a river.' }] };
const streamed = (): { pieces: Buffer[]; contentType: string } => ({
  pieces: EVENTS.map(chunkFrame),
  contentType: 'application/vnd.amazon.eventstream',
});

/** Calls a model at /v1/messages. Returns the answer and what its cloud received. */
async function message(model: string, body: object = {}, headers: Record<string, string> = {}) {
  const before = clouds.calls.length;
  const answer = await gateway.as(
    gateway.masterKey,
    'POST',
    '/v1/messages',
    { ...BODY, model, ...body },
    headers,
  );
  return { ...answer, call: clouds.calls.slice(before)[0] as CloudRequest | undefined };
}

/** Returns cost and mark of the last call. */
const lastEntry = async () => {
  const { entries } = await gateway.books();
  const { cost, mark, state } = entries.at(-1)!;
  return { cost, mark, state };
};

describe('Claude at Vertex AI', () => {
  it('gets Anthropic’s body at rawPredict, with a token of the service account and without a model', async () => {
    clouds.answer = () => ({ body: MESSAGE });
    const { status, body, call } = await message(
      'vertex',
      { service_tier: 'auto', system: 'Be brief.' },
      { 'anthropic-beta': 'context-1m-2025-08-07,fast-mode-2026-02-01' },
    );
    expect([status, body.content]).toEqual([200, MESSAGE.content]);
    expect(call!.path).toBe(
      '/v1/projects/proj-1/locations/europe-west1/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict',
    );
    expect(call!.headers).toMatchObject({
      authorization: expect.stringMatching(/^Bearer token-number-/),
      'anthropic-beta': 'context-1m-2025-08-07',
    });
    expect(call!.headers['x-api-key']).toBeUndefined();
    expect(call!.body).toEqual({ ...BODY, system: 'Be brief.', anthropic_version: 'vertex-2023-10-16' });
    expect(await lastEntry()).toEqual({ cost: COST_NANO_USD, mark: null, state: 'settled' });
  });

  it('streams', async () => {
    clouds.answer = () => ({
      pieces: EVENTS.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
    });
    const client = new Anthropic({ apiKey: gateway.masterKey, baseURL: gateway.url });
    const final = await client.messages.stream({ ...BODY, model: 'vertex' } as never).finalMessage();
    expect([final.content[0], final.usage.output_tokens]).toEqual([{ type: 'text', text: 'Danube' }, 5]);
    const call = clouds.calls.at(-1)!;
    expect(call.path).toMatch(/:streamRawPredict$/);
    expect(call.body).toMatchObject({ stream: true, anthropic_version: 'vertex-2023-10-16' });
    expect(await lastEntry()).toMatchObject({ cost: COST_NANO_USD, mark: null });
  });

  it('counts tokens', async () => {
    clouds.answer = () => ({ body: { input_tokens: 9 } });
    const answer = await gateway.admin('POST', '/v1/messages/count_tokens', {
      model: 'vertex',
      messages: BODY.messages,
    });
    expect([answer.status, answer.body]).toEqual([200, { input_tokens: 9 }]);
    const call = clouds.calls.at(-1)!;
    expect(call.path).toMatch(/\/models\/count-tokens:rawPredict$/);
    expect(call.body.model).toBe('claude-sonnet-4-5@20250929');
  });

  it.each([
    ['partner', 'meta/llama-4-scout'],
    ['gemini', 'google/gemini-2.5-flash'],
  ])('%s gets chats at the OpenAI-compatible address', async (model, name) => {
    const usage = { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 };
    clouds.answer = () => ({
      body: {
        id: 'c',
        object: 'chat.completion',
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Rhine' } }],
        usage,
      },
    });
    const { status } = await gateway.admin('POST', '/v1/chat/completions', { ...BODY, model });
    const call = clouds.calls.at(-1)!;
    expect([status, call.path, call.body.model]).toEqual([
      200,
      '/v1/projects/proj-1/locations/europe-west1/endpoints/openapi/chat/completions',
      name,
    ]);
    expect(call.headers.authorization).toMatch(/^Bearer token-number-/);
  });
});

describe('Claude at Bedrock', () => {
  it.each([
    ['bedrock', '/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke'],
    ['session', '/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke'],
    [
      'arn',
      '/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A111122223333%3Ainference-profile%2Feu.anthropic.claude-x/invoke',
    ],
    [
      'profile-id',
      '/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A111122223333%3Aapplication-inference-profile%2Fabc/invoke',
    ],
    ['role', '/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke'],
    ['web', '/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke'],
    ['bearer', '/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke'],
  ])('%s: the body at InvokeModel, signed', async (model, path) => {
    clouds.answer = () => ({ body: MESSAGE });
    const { status, body, call } = await message(
      model,
      { stream: false, service_tier: 'standard_only' },
      { 'anthropic-beta': 'claude-code-20250219, context-1m-2025-08-07,advanced-tool-use-2025-11-20' },
    );
    expect([status, body.content]).toEqual([200, MESSAGE.content]);
    expect(call!.path).toBe(path);
    expect(call!.body).toEqual({
      ...BODY,
      anthropic_version: 'bedrock-2023-05-31',
      anthropic_beta: ['context-1m-2025-08-07', 'tool-search-tool-2025-10-19'],
    });
    expect(call!.headers['anthropic-beta']).toBeUndefined();
    if (model === 'bearer') expect(call!.headers.authorization).toBe('Bearer bedrock-api-key-of-the-tests');
    else
      expect(call!.headers.authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=A[KS]I.*\/eu-central-1\/bedrock\//,
      );
    expect(await lastEntry()).toEqual({ cost: COST_NANO_USD, mark: null, state: 'settled' });
  });

  it('has the role, the external id and the session in the request to STS', () => {
    const requests = clouds.tokenRequests.map(({ bytes }) =>
      Object.fromEntries(new URLSearchParams(bytes.toString())),
    );
    expect(requests).toContainEqual(
      expect.objectContaining({
        Action: 'AssumeRole',
        RoleArn: 'arn:aws:iam::111122223333:role/gate',
        ExternalId: 'ext-1',
        RoleSessionName: 'tollgate',
      }),
    );
  });

  it('streams frames as Anthropic’s events, however they are cut', async () => {
    const bytes = Buffer.concat(EVENTS.map(chunkFrame));
    for (const size of [1, 7, 100, bytes.length]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      clouds.answer = () => ({ ...streamed(), pieces });
      const client = new Anthropic({ apiKey: gateway.masterKey, baseURL: gateway.url });
      const final = await client.messages.stream({ ...BODY, model: 'bedrock' } as never).finalMessage();
      expect([final.content[0], final.usage.output_tokens]).toEqual([{ type: 'text', text: 'Danube' }, 5]);
      expect(clouds.calls.at(-1)!.path).toMatch(/\/invoke-with-response-stream$/);
      expect(clouds.calls.at(-1)!.body.stream).toBeUndefined();
      expect(await lastEntry()).toEqual({ cost: COST_NANO_USD, mark: null, state: 'settled' });
    }
  });

  it('an exception in place of the first event is an error with its status', async () => {
    clouds.answer = () => ({
      ...streamed(),
      pieces: [exceptionFrame('throttlingException', 'Too many tokens')],
    });
    const { status, body } = await message('bedrock', { stream: true });
    expect([status, body.error]).toEqual([
      429,
      expect.objectContaining({ type: 'rate_limit_error', message: 'Too many tokens' }),
    ]);
  });

  it.each([
    ['an exception', () => exceptionFrame('modelStreamErrorException', 'It broke')],
    [
      'a damaged frame',
      () => {
        const bytes = Buffer.from(chunkFrame(EVENTS[3]));
        bytes[bytes.length - 8]! ^= 1;
        return bytes;
      },
    ],
    ['half a frame', () => chunkFrame(EVENTS[3]).subarray(0, 40)],
    ['a frame of 2 GiB', () => Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
  ])('%s in mid-stream ends it with an error; what was delivered is billed', async (_, last) => {
    clouds.answer = () => ({ ...streamed(), pieces: [...EVENTS.slice(0, 3).map(chunkFrame), last()] });
    const { status, text } = await message('bedrock', { stream: true });
    expect(status).toBe(200);
    expect(text).toContain('event: error');
    expect(text).not.toContain('message_stop');
    const { cost, mark } = await lastEntry();
    expect(mark).toBe('unconfirmed');
    expect(cost).toBeGreaterThan(0n);
    expect(cost).toBeLessThan(COST_NANO_USD);
    clouds.answer = () => ({ body: MESSAGE });
    expect((await message('bedrock')).status).toBe(200);
  });

  it('a refusal of the signature is the gateway’s own fault, without secrets', async () => {
    clouds.answer = ({ headers }) => ({
      status: 403,
      body: { message: `Bad ${headers.authorization} ${headers['x-amz-security-token']}` },
    });
    const { status, text } = await message('session');
    expect(status).toBe(502);
    for (const secret of ['session-of-the-tests', AWS_KEY.accessKeyId, AWS_KEY.secretAccessKey])
      expect(text).not.toContain(secret);
  });

  it('a body that echoes the credential has it masked', async () => {
    clouds.answer = ({ headers }) => ({
      body: {
        ...MESSAGE,
        content: [{ type: 'text', text: String(headers['x-amz-security-token'] ?? headers.authorization) }],
      },
    });
    expect((await message('session')).text).not.toContain('session-of-the-tests');
    expect((await message('role')).text).not.toMatch(/token-number-/);
    expect((await message('vertex')).text).not.toMatch(/token-number-/);
  });
});

describe('a token that ends', () => {
  it('is renewed before a call needs it, without any call', async () => {
    const asked = () => clouds.tokenRequests.filter(({ path }) => path === '/token').length;
    const before = asked();
    clouds.tokenSeconds = 2;
    const account = JSON.stringify({ ...JSON.parse(clouds.serviceAccount), client_id: '2' });
    const litellm_params = {
      ...PRICES,
      model: 'vertex_ai/claude-x',
      vertex_credentials: account,
      api_base: `${clouds.url}/v1`,
    };
    const { model_id } = await gateway.create('/model/new', { model_name: 'short', litellm_params });
    await eventually(() => expect(asked()).toBeGreaterThan(before + 2));
    clouds.answer = () => ({ body: MESSAGE });
    const { status, call } = await message('short');
    expect([status, call!.headers.authorization]).toEqual([200, `Bearer ${clouds.lastToken}`]);
    await gateway.create('/model/delete', { id: model_id });
    clouds.tokenSeconds = 3_600;
  });
});

describe('a credential that cannot be had', () => {
  it('a role that cannot be assumed fails the call: the host’s own key is not used instead', async () => {
    const { status, body, call } = await message('forbidden');
    expect([status, call]).toEqual([503, undefined]);
    expect(body.error.message).toContain('no credential');
    expect(await lastEntry()).toMatchObject({ state: 'released' });
    expect(gateway.logs).toMatch(/forbidden: no credential.*sts:AssumeRole/);
  });

  it.each([
    ['no-region', /aws_region_name: is missing/],
    ['two-regions', /aws_region_name: is eu-central-1, but the model names us-west-2/],
    ['no-project', /vertex_project: is missing/],
  ])('%s is named at the start and left out', async (model, words) => {
    expect(gateway.logs).toMatch(words);
    expect((await message(model)).status).toBe(400);
  });

  it('a stored model with an address of its own gets no identity of the host', async () => {
    const params = {
      model: 'bedrock/anthropic.claude-x',
      aws_region_name: 'eu-central-1',
      api_base: clouds.url,
    };
    const { status, body } = await gateway.admin('POST', '/model/new', {
      model_name: 'stored',
      litellm_params: params,
    });
    expect([status, JSON.stringify(body)]).toEqual([
      422,
      expect.stringContaining('needs its credential beside it'),
    ]);
    expect((await message('stored')).status).toBe(400);
    const withKey = {
      ...params,
      aws_access_key_id: AWS_KEY.accessKeyId,
      aws_secret_access_key: AWS_KEY.secretAccessKey,
    };
    await gateway.create('/model/new', { model_name: 'stored', litellm_params: withKey });
    clouds.answer = () => ({ body: MESSAGE });
    expect((await message('stored')).status).toBe(200);
    const info = await gateway.admin('GET', '/model/info');
    expect(info.text).not.toContain(AWS_KEY.secretAccessKey);
    expect(info.text).not.toContain('PRIVATE KEY');
  });
});

describe('Azure', () => {
  it('Claude gets the bytes at Anthropic’s own path', async () => {
    clouds.answer = () => ({ body: MESSAGE });
    const { status, call } = await message('azure-claude', {}, { 'anthropic-beta': 'fast-mode-2026-02-01' });
    expect([status, call!.path]).toEqual([200, '/anthropic/v1/messages']);
    expect(call!.headers).toMatchObject({
      'x-api-key': 'azure-key-of-the-tests',
      'anthropic-version': '2023-06-01',
    });
    expect(call!.headers.authorization).toBeUndefined();
    expect(call!.body).toEqual({ ...BODY, model: 'claude-sonnet-4-5' });
  });

  it.each([
    ['azure-entra', /^Bearer token-number-/],
    ['azure-token', /^Bearer entra-token-of-the-tests$/],
  ])('%s carries a token of Entra ID', async (model, authorization) => {
    clouds.answer = () => ({
      body: {
        id: 'c',
        object: 'chat.completion',
        choices: [],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      },
    });
    const { status } = await gateway.admin('POST', '/v1/chat/completions', { ...BODY, model });
    const { path, headers } = clouds.calls.at(-1)!;
    expect([status, path]).toEqual([
      200,
      '/openai/deployments/my-dep/chat/completions?api-version=2024-10-21',
    ]);
    expect(headers.authorization).toMatch(authorization);
    expect(headers['api-key']).toBeUndefined();
  });
});
