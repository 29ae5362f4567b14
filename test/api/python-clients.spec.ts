import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { dialectOf } from '../harness/dialects.js';
import { Gateway, model, testModels } from '../harness/gateway.js';
import {
  type CheckResult,
  PYTHON_ENVIRONMENTS,
  PythonClients,
  pythonClientsAreThere,
  type PythonEnvironment,
} from '../harness/python-clients.js';
import { functionCall, OSLO, structuredAnswer, toolCall, toolUse } from '../harness/tool-calls.js';
import { type Behaviour, Upstream, type UpstreamCall } from '../harness/upstream.js';

/**
 * Proves that Python's usual clients work: `openai`, `anthropic`, `langchain-openai`, LiteLLM's SDK, `pydantic-ai` and `openai-agents`.
 */

const isThere = pythonClientsAreThere();

const broken: Behaviour = { tokensBefore: 2, ending: 'reset' };
/** Users whose first call of a busy model was refused. */
const refusedUsers = new Set<unknown>();

/** Answers with an id of its own, as providers do. */
function uniqueAnswer(call: UpstreamCall): Behaviour {
  const dialect = dialectOf(call.path);
  const answer = { ...dialect.whole(call, dialect.usage(0, 3)), id: `answer-${randomUUID()}` };
  return { completionTokens: 3, rawBody: JSON.stringify(answer) };
}

/** Behaviours of the provider by its models. */
const BEHAVIOURS: Readonly<Record<string, (call: UpstreamCall) => Behaviour>> = {
  'up-m-tools': (call) => (call.path.endsWith('/responses') ? functionCall(call) : toolCall(call)),
  'up-m-claude-tools': toolUse,
  'up-m-json': structuredAnswer,
  'up-m-ids': uniqueAnswer,
  'up-m-claude-ids': uniqueAnswer,
  'up-m-busy': ({ body: { user } }) => {
    if (refusedUsers.has(user)) return {};
    refusedUsers.add(user);
    return { status: 429 };
  },
  'up-m-slow': () => ({ hang: true }),
  'up-m-hang': () => ({ hang: true }),
  'up-m-broken': () => broken,
  'up-m-claude-broken': () => broken,
  'up-m-overflow': () => ({
    status: 400,
    errorBody: {
      error: {
        message:
          "This model's maximum context length is 128000 tokens. However, your messages have 130000 tokens.",
        type: 'invalid_request_error',
        param: 'messages',
        code: 'context_length_exceeded',
      },
    },
  }),
};

let upstream: Upstream;
let gateway: Gateway;
let programs: PythonClients[];
type Results = Readonly<Record<string, CheckResult>>;
let results: Readonly<Record<PythonEnvironment, Results>>;
const keys: Record<string, string> = { unknown: 'sk-nobody-knows-this-one' };
const judged = new Set<string>();

beforeAll(async () => {
  if (!isThere) return;
  programs = PYTHON_ENVIRONMENTS.map((environment) => new PythonClients(environment));
  upstream = await Upstream.start();
  upstream.behave = (call) => BEHAVIOURS[call.model]?.(call) ?? {};
  const { url } = upstream;
  const perOutput = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
  const claude = (name: string) =>
    model(name, url.replace(/\/v1$/, ''), perOutput, { model: `anthropic/up-${name}` });
  const openai = ['m-tools', 'm-json', 'm-ids', 'm-busy', 'm-broken', 'm-overflow'];
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        ...testModels(url),
        ...openai.map((name) => model(name, url, perOutput)),
        model('m-slow', url, perOutput, { timeout: 2 }),
        model('m-hang', url, perOutput, { timeout: 200 }),
        ...['m-claude', 'm-claude-tools', 'm-claude-ids', 'm-claude-broken'].map(claude),
      ],
    },
  });
  keys.main = await gateway.createKey({ max_budget: 100 });
  keys.narrow = await gateway.createKey({ max_budget: 100, models: ['m-out'] });
  keys.poor = await gateway.createKey({ max_budget: 0 });
  for (const client of ['pydantic', 'agents', 'azure'])
    keys[client] = await gateway.createKey({ max_budget: 100 });
  for (const version of [2, 3]) keys[`slow-${version}`] = await gateway.createKey({ rpm_limit: 1 });
  const ran = await Promise.all(programs.map((program) => program.results(gateway.url, keys)));
  results = { 'openai-2': ran[0]!, 'openai-3': ran[1]! };
});
// The upstream first: calls that it does not answer end with it.
afterAll(() => closeAll(...(programs ?? []), upstream, gateway));

/** Returns what a check returned. Throws its traceback if it raised. */
function seen(name: string, environment: PythonEnvironment = 'openai-2'): unknown {
  judged.add(`${environment} ${name}`);
  const { value, raised } = results[environment][name] ?? { raised: `There is no check ${name}.` };
  if (raised !== undefined) throw new Error(raised);
  return value;
}

/** Returns the members of the calls with this text as the provider received them, without those of every call. */
const received = (text: string) =>
  upstream.calls
    .filter(({ rawBody }) => rawBody.includes(text))
    .map(({ body }) => Object.fromEntries(Object.entries(body).filter(([name]) => !ALWAYS.has(name))));
const ALWAYS = new Set(['model', 'messages', 'max_tokens']);

/** Returns tags and end user of the calls that name one of these tags. */
async function billed(...tags: string[]) {
  const { body } = await gateway.admin('GET', `/spend/logs?api_key=${keys.main}`);
  return (body as { request_tags: string[]; end_user: string }[])
    .filter(({ request_tags }) => request_tags.some((tag) => tags.includes(tag)))
    .map(({ request_tags, end_user }) => [...request_tags, end_user]);
}

const REFUSED = {
  unknownKey: { status: 401, type: 'token_not_found_in_db', code: '401', requests: 1 },
  model: { status: 403, type: 'key_model_access_denied', code: '403', requests: 1 },
  budget: { status: 429, type: 'budget_exceeded', code: '429', requests: 1 },
  overflow: { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded', requests: 1 },
};

/** Returns how many calls of a key are billed, and what they cost in dollars. */
async function bill(key: string) {
  const { body } = await gateway.admin('GET', `/spend/logs?api_key=${keys[key]}`);
  const rows = body as { spend: number }[];
  const { info } = (await gateway.admin('GET', `/key/info?key=${keys[key]}`)).body as {
    info: { spend: number };
  };
  return { calls: rows.length, spend: info.spend };
}

describe.skipIf(!isThere).each(PYTHON_ENVIRONMENTS)('openai in %s', (environment) => {
  it.each<[check: string, expected: unknown]>([
    ['chats', ['scripted answer', 3, 'up-m-out']],
    ['streams', ['t0 t1 t2 ', []]],
    ['streams_with_usage', [3]],
    ['calls_tools', ['weather', '{"city":"Oslo"}', 'scripted answer']],
    ['embeds', [[0.5, -0.5], 0]],
    ['responds', ['scripted answer', 3]],
    ['responds_in_a_stream', ['t0 t1 t2 ', 3]],
    ['calls_at_the_same_time', ['scripted answer', 'scripted answer', 'scripted answer', 't0 t1 t2 ']],
    ['lists_models', [['m-out'], 'm-out']],
    ['retries_a_busy_upstream', 'scripted answer'],
    ['refused_unknown_key', { class: 'AuthenticationError', ...REFUSED.unknownKey }],
    ['refused_model', { class: 'PermissionDeniedError', ...REFUSED.model }],
    ['refused_bad_request', { class: 'BadRequestError', status: 400, type: 'bad_request_error', code: '400', requests: 1 }],
    ['refused_unknown_model', { class: 'NotFoundError', status: 404, type: 'not_found_error', code: '404', requests: 1 }],
    ['refused_budget', { class: 'RateLimitError', ...REFUSED.budget }],
    ['refused_rate', expect.objectContaining({ class: 'RateLimitError', status: 429, type: 'rate_limit_exceeded' })],
    ['times_out', { class: 'APITimeoutError', status: null, type: null, code: null, requests: 0 }],
    ['upstream_times_out', expect.objectContaining({ class: 'InternalServerError', status: 504, requests: 1 })],
    ['times_out_by_a_header', expect.objectContaining({ class: 'InternalServerError', status: 504, requests: 1 })],
    ['retries_by_a_header', 'scripted answer'],
    ['stream_breaks', expect.objectContaining({ class: 'APIError', type: 'upstream_error', requests: 1 })],
    ['context_overflows', { class: 'BadRequestError', ...REFUSED.overflow }],
  ])('%s', (check, expected) => {
    expect(seen(`openai.${check}`, environment)).toEqual(expected);
  }); // prettier-ignore

  it('reads headers of the raw response', () => {
    expect(seen('openai.reads_headers', environment)).toEqual([
      'scripted answer',
      {
        'x-litellm-response-cost': '0.003',
        'x-litellm-model-id': 'd-m-out',
        'x-litellm-call-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
        'x-request-id': expect.any(String),
      },
    ]);
  });

  it('names its call, by which it is found', async () => {
    const id = `call-of-${environment}`;
    expect(seen('openai.names_its_call', environment)).toBe(id);
    const { body } = await gateway.admin('GET', `/spend/logs?request_id=${id}`);
    expect(body).toMatchObject([{ x_request_id: id, spend: 0.003 }]);
  });

  it('names a session, by which its calls are found', async () => {
    expect(seen('openai.names_a_session', environment)).toBe('scripted answer');
    const session = `session-${environment}`;
    const { body } = await gateway.admin('GET', `/spend/logs?session_id=${session}`);
    expect(body).toMatchObject([{ session_id: session, spend: 0.003 }]);
  });

  it('calls a busy upstream once more, and never one whose answer is refused', () => {
    expect(upstream.calls.filter(({ model: name }) => name === 'up-m-busy')).toHaveLength(8);
    expect(upstream.calls.filter(({ model: name }) => name === 'up-m-deny')).toHaveLength(0);
  });
});

describe.skipIf(!isThere)('anthropic', () => {
  it.each<[check: string, expected: unknown]>([
    ['asks', ['scripted answer', 3, 'end_turn']],
    ['streams', ['t0 t1 t2 ', 3]],
    ['streams_events', ['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop']],
    ['calls_tools', ['weather', { city: 'Oslo' }, 'tool_use', 'scripted answer']],
    ['counts_tokens', 14],
    ['lists_models', [[['model', 'm-out', 'm-out', 100_000, 100_000]], 'm-out']],
    ['calls_at_the_same_time', ['scripted answer', 'scripted answer', 'scripted answer', 't0 t1 t2 ']],
    ['bearer_token', 'scripted answer'],
    ['reads_headers', { 'x-litellm-response-cost': '0.003', 'x-litellm-model-id': 'd-m-claude' }],
    ['refused_unknown_key', { class: 'AuthenticationError', ...REFUSED.unknownKey, type: 'authentication_error' }],
    ['refused_model', { class: 'PermissionDeniedError', ...REFUSED.model, type: 'permission_error' }],
    ['refused_bad_request', expect.objectContaining({ class: 'BadRequestError', status: 400, type: 'invalid_request_error', requests: 1 })],
    ['refused_budget', { class: 'RateLimitError', ...REFUSED.budget, type: 'billing_error' }],
    ['stream_breaks', expect.objectContaining({ class: 'APIStatusError', type: 'api_error', requests: 1 })],
  ])('%s', (check, expected) => {
    expect(seen(`anthropic.${check}`)).toEqual(expected);
  }); // prettier-ignore
});

describe.skipIf(!isThere)('langchain-openai', () => {
  it.each<[check: string, expected: unknown]>([
    ['invokes', ['scripted answer', 3]],
    ['streams', ['t0 t1 t2 ', 3]],
    ['batches', ['scripted answer', 'scripted answer', 'scripted answer']],
    ['responds', ['scripted answer', 3]],
    ['calls_tools', [['3 degrees in Oslo'], 'scripted answer']],
    ['structures_by_schema', OSLO],
    ['structures_by_function', OSLO],
    ['embeds', [[0.5, -0.5], 1]],
    [
      'times_out_by_a_header',
      expect.objectContaining({ class: 'InternalServerError', status: 504, requests: 1 }),
    ],
    ['refused_budget', { class: 'RateLimitError', ...REFUSED.budget }],
    ['context_overflows', { class: 'OpenAIContextOverflowError', ...REFUSED.overflow }],
    ['context_overflows_in_responses', { class: 'OpenAIContextOverflowError', ...REFUSED.overflow }],
  ])('%s', (check, expected) => {
    expect(seen(`langchain.${check}`)).toEqual(expected);
  });

  it('names end user and tags: they are billed, and the tags do not leave', async () => {
    expect(seen('langchain.names_user_and_tags')).toBe('scripted answer');
    expect(received('langchain names user and tags')).toEqual([{ stream: false, user: 'langchain-user' }]);
    expect(await billed('langchain-tag')).toEqual([['langchain-tag', 'langchain-user']]);
  });
});

describe.skipIf(!isThere)('LiteLLM’s SDK', () => {
  it.each<[check: string, expected: unknown]>([
    ['completes', ['scripted answer', 3]],
    ['streams', ['t0 t1 t2 ', [3]]],
    ['calls_tools', ['weather', '{"city":"Oslo"}']],
    ['embeds', [0.5, -0.5]],
    ['responds', ['scripted answer', 20]],
    ['calls_at_the_same_time', ['scripted answer', 'scripted answer', 'scripted answer']],
    [
      'refused_unknown_key',
      expect.objectContaining({ class: 'AuthenticationError', status: 401, requests: 1 }),
    ],
    // The SDK has no class for 403 of a proxy.
    ['refused_model', expect.objectContaining({ class: 'APIError', status: 403, requests: 1 })],
    ['refused_budget', expect.objectContaining({ class: 'RateLimitError', status: 429, requests: 1 })],
    ['context_overflows', expect.objectContaining({ class: 'ContextWindowExceededError', requests: 1 })],
  ])('%s', (check, expected) => {
    expect(seen(`litellm.${check}`)).toEqual(expected);
  });

  it('names tags in three ways: they are billed, and do not leave', async () => {
    expect(seen('litellm.names_tags')).toBe(true);
    expect(received('litellm names tags')).toEqual([{}, {}, {}]);
    const tags = ['litellm-metadata', 'litellm-body', 'litellm-header'];
    expect((await billed(...tags)).map(([tag]) => tag).toSorted()).toEqual(tags.toSorted());
  });
});

describe.skipIf(!isThere)('classes for Azure of openai and langchain-openai', () => {
  it.each<[check: string, expected: unknown]>([
    ['langchain_invokes', ['scripted answer', 3]],
    ['langchain_streams', ['t0 t1 t2 ', 3]],
    ['langchain_names_another_model', ['scripted answer', 3]],
    ['langchain_embeds', [[0.5, -0.5], 1]],
    ['openai_names_the_deployment', 'scripted answer'],
    ['openai_names_another_model', 'scripted answer'],
    ['openai_streams', 't0 t1 t2 '],
    ['openai_responds', ['scripted answer', 3]],
    ['openai_lists_models', ['m-out']],
    ['openai_calls_the_newer_address', ['scripted answer', 'scripted answer']],
    ['refused_model', { class: 'PermissionDeniedError', ...REFUSED.model }],
    ['refused_budget', { class: 'RateLimitError', ...REFUSED.budget }],
  ])('%s', (check, expected) => {
    expect(seen(`azure.${check}`)).toEqual(expected);
  });

  it('are billed by their deployments', async () => {
    expect(await bill('azure')).toEqual({ calls: 11, spend: 0.027 });
  });
});

describe.skipIf(!isThere)('pydantic-ai', () => {
  const refused = ({ status, type }: { status: number; type: string }) => ({
    category: [true],
    status,
    type,
    requests: 1,
  });

  it.each<[check: string, expected: unknown]>([
    ['chats', ['scripted answer', 3, 1]],
    ['chats_in_a_stream', ['t0 t1 t2 ', 3, 1]],
    ['chats_with_tools', [['3 degrees in Oslo'], 'scripted answer', 2]],
    ['chats_with_tools_in_a_stream', ['t0 t1 t2 ', 6, 2]],
    ['chats_by_litellm_provider', ['scripted answer', 3, 1]],
    ['chats_by_azure_provider', ['scripted answer', 3, 1]],
    ['responds', ['scripted answer', 3, 1]],
    ['responds_in_a_stream', ['t0 t1 t2 ', 3, 1]],
    ['responds_with_tools', [['3 degrees in Oslo'], 'scripted answer', 2]],
    ['asks_claude', ['scripted answer', 3, 1]],
    ['asks_claude_in_a_stream', ['t0 t1 t2 ', 3, 1]],
    ['asks_claude_with_tools', [['3 degrees in Oslo'], 'scripted answer', 2]],
    ['structures', [OSLO, OSLO, OSLO]],
    ['refused_unknown_key', refused(REFUSED.unknownKey)],
    ['refused_budget', refused(REFUSED.budget)],
    ['refused_budget_by_messages', refused({ status: 429, type: 'billing_error' })],
    ['context_overflows', refused(REFUSED.overflow)],
  ])('%s', (check, expected) => {
    expect(seen(`pydantic-ai.${check}`, 'openai-3')).toEqual(expected);
  });

  it('is billed for its calls', async () => {
    expect(await bill('pydantic')).toEqual({ calls: 22, spend: 0.063 });
  });
});

describe.skipIf(!isThere)('openai-agents', () => {
  const TOLD = ['3 degrees in Oslo'];

  it.each<[check: string, expected: unknown]>([
    ['chats', ['agent-chat', [], 'scripted answer', 1, 3]],
    ['chats_with_tools', ['agent-chat', TOLD, 'scripted answer', 2, 6]],
    ['chats_with_tools_in_a_stream', ['t0 t1 t2 ', 'agent-chat', TOLD, 't0 t1 t2 ', 2, 6]],
    ['chats_with_a_handoff', ['target', [], 'scripted answer', 2, 6]],
    ['responds', ['agent-responses', [], 'scripted answer', 1, 3]],
    ['responds_with_tools', ['agent-responses', TOLD, 'scripted answer', 2, 6]],
    ['responds_with_tools_in_a_stream', ['t0 t1 t2 ', 'agent-responses', TOLD, 'scripted answer', 2, 6]],
    ['responds_with_a_handoff', ['target', [], 'scripted answer', 2, 6]],
    ['structures', OSLO],
    ['refused_unknown_key', { class: 'AuthenticationError', ...REFUSED.unknownKey }],
    ['refused_budget', { class: 'RateLimitError', ...REFUSED.budget }],
    ['refused_budget_in_responses', { class: 'RateLimitError', ...REFUSED.budget }],
    ['refused_budget_in_a_stream', { class: 'RateLimitError', ...REFUSED.budget }],
  ])('%s', (check, expected) => {
    expect(seen(`openai-agents.${check}`, 'openai-3')).toEqual(expected);
  });

  it('is billed for its calls', async () => {
    expect(await bill('agents')).toEqual({ calls: 16, spend: 0.048 });
  });
});

it.skipIf(!isThere).each<[client: string, environment: PythonEnvironment, ids: number]>([
  ['openai', 'openai-2', 2],
  ['openai', 'openai-3', 2],
  ['anthropic', 'openai-2', 1],
  ['langchain', 'openai-2', 1],
  ['litellm', 'openai-2', 1],
  ['pydantic-ai', 'openai-3', 2],
  ['openai-agents', 'openai-3', 1],
])('an id that %s (%s) keeps finds the bill of its answer', async (client, environment, count) => {
  const ids = seen(`${client}.keeps_ids`, environment) as string[];
  expect(ids).toHaveLength(count);
  for (const id of ids) {
    const { body } = await gateway.admin('GET', `/spend/logs?request_id=${encodeURIComponent(id)}`);
    expect(body).toMatchObject([{ request_id: id, spend: 0.003, status: 'success' }]);
  }
});

it.skipIf(!isThere)('every check is judged', () => {
  const checks = PYTHON_ENVIRONMENTS.flatMap((environment) =>
    Object.keys(results[environment]).map((name) => `${environment} ${name}`),
  );
  expect([...judged].toSorted()).toEqual(checks.toSorted());
});
