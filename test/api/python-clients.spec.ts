import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model, testModels } from '../harness/gateway.js';
import { type CheckResult, PythonClients, pythonClientsAreThere } from '../harness/python-clients.js';
import { OSLO, structuredAnswer, toolCall, toolUse } from '../harness/tool-calls.js';
import { type Behaviour, Upstream, type UpstreamCall } from '../harness/upstream.js';

/** Proves that Python's usual clients work: `openai`, `anthropic`, `langchain-openai` and LiteLLM's SDK. */

const isThere = pythonClientsAreThere();

const broken: Behaviour = { tokensBefore: 2, ending: 'reset' };
let busyCalls = 0;

/** Behaviours of the provider by its models. */
const BEHAVIOURS: Readonly<Record<string, (call: UpstreamCall) => Behaviour>> = {
  'up-m-tools': toolCall,
  'up-m-claude-tools': toolUse,
  'up-m-json': structuredAnswer,
  'up-m-busy': () => (busyCalls++ === 0 ? { status: 429 } : {}),
  'up-m-slow': () => ({ hang: true }),
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
let clients: PythonClients;
let results: Record<string, CheckResult>;
const keys: Record<string, string> = { unknown: 'sk-nobody-knows-this-one' };
const judged = new Set<string>();

beforeAll(async () => {
  if (!isThere) return;
  clients = new PythonClients();
  upstream = await Upstream.start();
  upstream.behave = (call) => BEHAVIOURS[call.model]?.(call) ?? {};
  const { url } = upstream;
  const perOutput = { input_cost_per_token: 0, output_cost_per_token: 0.001 };
  const claude = (name: string) =>
    model(name, url.replace(/\/v1$/, ''), perOutput, { model: `anthropic/up-${name}` });
  const openai = ['m-tools', 'm-json', 'm-busy', 'm-broken', 'm-overflow'];
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        ...testModels(url),
        ...openai.map((name) => model(name, url, perOutput)),
        model('m-slow', url, perOutput, { timeout: 2 }),
        ...['m-claude', 'm-claude-tools', 'm-claude-broken'].map(claude),
      ],
    },
  });
  keys.main = await gateway.createKey({ max_budget: 100 });
  keys.narrow = await gateway.createKey({ max_budget: 100, models: ['m-out'] });
  keys.poor = await gateway.createKey({ max_budget: 0 });
  keys.slow = await gateway.createKey({ rpm_limit: 1 });
  results = await clients.results(gateway.url, keys);
});
afterAll(() => closeAll(clients, gateway, upstream));

/** Returns what a check returned. Throws its traceback if it raised. */
function seen(name: string): unknown {
  judged.add(name);
  const { value, raised } = results[name] ?? { raised: `There is no check ${name}.` };
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

describe.skipIf(!isThere)('openai', () => {
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
    ['stream_breaks', expect.objectContaining({ class: 'APIError', type: 'upstream_error', requests: 1 })],
    ['context_overflows', { class: 'BadRequestError', ...REFUSED.overflow }],
  ])('%s', (check, expected) => {
    expect(seen(`openai.${check}`)).toEqual(expected);
  }); // prettier-ignore

  it('reads headers of the raw response', () => {
    expect(seen('openai.reads_headers')).toEqual([
      'scripted answer',
      {
        'x-litellm-response-cost': '0.003',
        'x-litellm-model-id': 'd-m-out',
        'x-litellm-call-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
        'x-request-id': expect.any(String),
      },
    ]);
  });

  it('calls a busy upstream once more, and never one whose answer is refused', () => {
    expect(upstream.calls.filter(({ model: name }) => name === 'up-m-busy')).toHaveLength(2);
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
    ['calls_at_the_same_time', ['scripted answer', 'scripted answer', 'scripted answer', 't0 t1 t2 ']],
    ['bearer_token', 'scripted answer'],
    ['reads_headers', { 'x-litellm-response-cost': '0.003', 'x-litellm-model-id': 'd-m-claude' }],
    ['refused_unknown_key', { class: 'AuthenticationError', ...REFUSED.unknownKey }],
    ['refused_model', { class: 'PermissionDeniedError', ...REFUSED.model }],
    ['refused_bad_request', expect.objectContaining({ class: 'BadRequestError', status: 400, requests: 1 })],
    ['refused_budget', { class: 'RateLimitError', ...REFUSED.budget }],
    ['stream_breaks', expect.objectContaining({ class: 'APIStatusError', requests: 1 })],
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

it.skipIf(!isThere)('every check is judged', () => {
  expect([...judged].toSorted()).toEqual(Object.keys(results).toSorted());
});
