import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../harness/close-all.js';
import { Gateway, model } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

/** Proves which members of a call reach the provider. LiteLLM 1.108.7 forwards none of `params.json`. */

const LITELLM_PARAMS: readonly string[] = JSON.parse(
  readFileSync(new URL('../harness/litellm/params.json', import.meta.url), 'utf8'),
);

let upstream: Upstream;
let gateway: Gateway;
let key: string;
beforeAll(async () => {
  upstream = await Upstream.start();
  const root = upstream.url.replace(/\/v1$/, '');
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        model('m', upstream.url, {}),
        model('m-edit', upstream.url, { mode: 'image_generation', output_cost_per_image: 0.01 }),
        model('m-claude', root, {}, { model: 'anthropic/m-claude' }),
      ],
    },
  });
  key = await gateway.createKey();
});
afterAll(() => closeAll(gateway, upstream));

const BODIES = {
  '/chat/completions': { model: 'm', messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 5 },
  '/completions': { model: 'm', prompt: 'Hello!', max_tokens: 5 },
  '/embeddings': { model: 'm', input: 'Hello!' },
  '/responses': { model: 'm', input: 'Hello!', max_output_tokens: 5 },
  '/messages': { model: 'm-claude', messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 5 },
} as const;
type Path = keyof typeof BODIES;
const PATHS = Object.keys(BODIES) as Path[];

/** Names of credentials, of the provider, and of where callbacks send to. */
const CHOOSES_UPSTREAM =
  /^(?:anthropic_|openai_(?:identity|service)|azure_|aws_|s3_|gcs_|arize_|dd_|langfuse_|langsmith_|humanloop_|newrelic_|posthog_|signoz_|wandb_|weave_|token_exchange_|github_copilot_|configurable_clientside)|^(?:api_base|api_key|api_version|client_id|client_secret|custom_llm_provider|headers|litellm_credential_name|mock_response|model_list|provider_specific_header|proxy_server_request|secret_fields|shared_session|ssl_verify|tenant_id)$/;

/** Sends a call and returns what the provider received beside the body of this path, or the refusal. */
async function forwarded(path: Path, members: Readonly<Record<string, unknown>>) {
  const calls = upstream.calls.length;
  const { status, body } = await gateway.as(key, 'POST', `/v1${path}`, { ...BODIES[path], ...members });
  if (status !== 200) return { status, param: body.error.param, calls: upstream.calls.length - calls };
  const received = upstream.calls.at(-1)!.body as Record<string, unknown>;
  return Object.fromEntries(Object.entries(received).filter(([name]) => !(name in BODIES[path])));
}

describe('members for the gateway', () => {
  const others = ['drop_params', 'additional_drop_params', 'modify_params', 'timeout', 'disable_fallbacks', 'policies', 'mock_testing_fallbacks', 'litellm_of_tomorrow', 'cache_control_injection_points']; // prettier-ignore

  it('are accepted or refused with their name; none reaches the provider', async () => {
    for (const name of [...LITELLM_PARAMS, ...others]) {
      // The value of a member that names models or tags must be one of its own kind.
      const seen = await forwarded('/chat/completions', {
        [name]: /fallbacks$|^tags$/.test(name) ? [] : null,
      });
      expect([name, seen]).toEqual([
        name,
        CHOOSES_UPSTREAM.test(name) ? { status: 400, param: name, calls: 0 } : {},
      ]);
    }
  });

  it.each(PATHS)('never leave by %s', async (path) => {
    const members = { litellm_session_id: 's', num_retries: 2, 'no-log': true, cache: { 'no-cache': true }, input_cost_per_token: 1, tags: ['a'], guardrails: ['g'] }; // prettier-ignore
    expect(await forwarded(path, { ...members, top_k: 5 })).toEqual({ top_k: 5 });
  });
});

describe('a form', () => {
  it('carries no part of a member for the gateway', async () => {
    const form = new FormData();
    const fields = {
      model: 'm-edit',
      prompt: 'fog',
      guardrails: 'g',
      'guardrails[]': 'g',
      'cache[no-cache]': 'true',
    };
    for (const [name, value] of Object.entries({ ...fields, 'include[]': 'logprobs' }))
      form.append(name, value);
    form.append('image', new Blob(['png']), 'a.png');
    const request = new Request(gateway.url, { method: 'POST', body: form });
    const headers = { 'content-type': request.headers.get('content-type')! };
    const bytes = Buffer.from(await request.arrayBuffer());
    expect((await gateway.as(key, 'POST', '/v1/images/edits', bytes, headers)).status).toBe(200);
    expect(upstream.calls.at(-1)!.fields).toEqual({
      model: 'up-m-edit',
      prompt: 'fog',
      'include[]': 'logprobs',
      'a.png': 'png',
    });
  });
});

describe('metadata', () => {
  const tags = ['jobID:214590dsff09fds', 'taskName:run_page_classification'];
  it.each<[string, Path, Record<string, unknown>, Record<string, unknown>]>([
    ['OpenAI takes none unless the answer is stored', '/chat/completions', { metadata: { a: 'b' } }, {}],
    ['OpenAI takes texts with an answer that is stored', '/chat/completions', { store: true, metadata: { a: 'b', n: 1, tags, spend_logs_metadata: {} } }, { store: true, metadata: { a: 'b' } }],
    ['tags alone leave nothing', '/chat/completions', { store: true, metadata: { tags } }, { store: true }],
    ['tags never leave', '/chat/completions', { metadata: { tags, trace_id: 't' } }, {}],
    ['responses take texts', '/responses', { metadata: { a: 'b', tags } }, { metadata: { a: 'b' } }],
    ['what is all right leaves as it came', '/responses', { metadata: { a: 'b' } }, { metadata: { a: 'b' } }],
    ['Anthropic takes a user_id', '/messages', { metadata: { user_id: 'u', tags } }, { metadata: { user_id: 'u' } }],
    ['Anthropic takes nothing else', '/messages', { metadata: { trace_id: 'u' } }, {}],
    ['embeddings have none', '/embeddings', { metadata: { a: 'b' } }, {}],
    ['no object is the provider’s to refuse', '/messages', { metadata: 'x' }, { metadata: 'x' }],
  ])('%s: %s', async (_, path, members, expected) => {
    expect(await forwarded(path, members)).toEqual(expected);
  }); // prettier-ignore

  it('keeps its bytes if the provider takes all of it', async () => {
    const text = JSON.stringify({ ...BODIES['/responses'], metadata: { a: 'b' } }).replace('"a"', ' "a"');
    expect((await gateway.as(key, 'POST', '/v1/responses', Buffer.from(text))).status).toBe(200);
    expect(upstream.calls.at(-1)!.rawBody.toString()).toContain('{ "a":"b"}');
  });

  it('is billed to its tags, though they do not leave', async () => {
    await forwarded('/chat/completions', { metadata: { tags } });
    const { body } = await gateway.as(gateway.masterKey, 'GET', `/spend/logs?api_key=${key}`);
    expect(JSON.stringify(body)).toContain(tags[0]);
  });
});
