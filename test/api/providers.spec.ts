import { afterAll, beforeAll, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { Upstream } from '../harness/upstream.js';

let upstream: Upstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await Upstream.start();
  const address = upstream.url.replace(/\/v1$/, '');
  gateway = await Gateway.start({
    upstream,
    config: {
      model_list: [
        { model_name: '*', litellm_params: { model: '*' } },
        { model_name: 'own', litellm_params: { model: 'hosted_vllm/own', api_base: upstream.url } },
        { model_name: 'llama', litellm_params: { model: 'ollama_chat/llama3', api_base: address } },
        {
          model_name: 'left-out',
          litellm_params: { model: 'github_copilot/gpt-4o', api_key: 'sk-of-github' },
        },
      ],
    },
    env: {
      OPENAI_API_KEY: 'sk-of-openai',
      OPENAI_BASE_URL: upstream.url,
      ANTHROPIC_API_KEY: 'sk-of-anthropic',
      ANTHROPIC_BASE_URL: address,
      GROQ_API_BASE: upstream.url,
      MISTRAL_API_KEY: 'sk-of-mistral',
      MISTRAL_API_BASE: address,
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

/** Calls a model. Returns the status, and path, model and credential of what the upstream received. */
async function call(model: string, path = '/v1/chat/completions') {
  const before = upstream.calls.length;
  const body = { model, max_tokens: 2, messages: [{ role: 'user', content: 'Hi' }] };
  const { status } = await gateway.admin('POST', path, body);
  const last = upstream.calls.slice(before).at(-1);
  return [status, last?.path, last?.model, last?.headers.authorization ?? last?.headers['x-api-key']];
}

it.each([
  ['gpt-4o', '/v1/chat/completions', 'gpt-4o', 'Bearer sk-of-openai'],
  ['openai/gpt-4o', '/v1/chat/completions', 'gpt-4o', 'Bearer sk-of-openai'],
  ['mistral/large', '/v1/chat/completions', 'large', 'Bearer sk-of-mistral'],
  ['groq/llama', '/v1/chat/completions', 'llama', undefined],
  ['own', '/v1/chat/completions', 'own', undefined],
  ['llama', '/v1/chat/completions', 'llama3', undefined],
])('%s reaches its own provider with its own key', async (model, path, name, credential) => {
  expect(await call(model)).toEqual([200, path, name, credential]);
});

it('a prefix at * leads to the provider’s own API', async () => {
  expect(await call('anthropic/claude-sonnet-4-5', '/v1/messages')).toEqual([
    200,
    '/v1/messages',
    'claude-sonnet-4-5',
    'sk-of-anthropic',
  ]);
});

it.each(['bedrock/claude', 'github_copilot/gpt-4o', 'left-out', 'xai/grok-4', 'nobody/x', 'llama3'])(
  '%s reaches nobody',
  async (model) => expect(await call(model)).toEqual([400, undefined, undefined, undefined]),
);

it('an address that arrived by the API gets no key of the environment', async () => {
  await gateway.create('/model/new', {
    model_name: 'added',
    litellm_params: { model: 'openai/added', api_base: upstream.url },
  });
  expect(await call('added')).toEqual([200, '/v1/chat/completions', 'added', undefined]);
});
