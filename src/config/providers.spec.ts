import { describe, expect, it } from 'vitest';
import { NOT_SERVED, SERVED } from './provider-facts.js';
import {
  isRoutedByName,
  missingKey,
  outputLimitMember,
  type ProviderVariables,
  type RouteParams,
  routeForName,
  routeOf,
  takesStreamOptions,
} from './providers.js';

const OPENAI = 'https://api.openai.com/v1';
const OWN = 'http://10.0.0.7:8000/v1';
const AZURE = 'https://acme.openai.azure.com/openai';

describe('where a provider reads an output limit in a chat', () => {
  it.each<[string, string, string, string, string?]>([
    ['max_completion_tokens', 'openai', OPENAI, 'gpt-4o'],
    ['max_completion_tokens', 'openai', OPENAI, 'nobody-knows'],
    ['max_completion_tokens', 'openai', 'https://eu.api.openai.com/v1', 'gpt-4o'],
    ['max_completion_tokens', 'openai', 'https://acme.openai.azure.com/openai/v1', 'my-deployment'],
    ['max_completion_tokens', 'openai', OWN, 'o3-mini'],
    ['max_completion_tokens', 'openai', OWN, 'gpt-5.1-codex'],
    ['max_completion_tokens', 'openai', OWN, 'mine', 'openai/gpt-5'],
    // A provider `openai` at another address reads the member that most APIs read.
    ['max_tokens', 'openai', OWN, 'llama3'],
    ['max_tokens', 'openai', OWN, 'gpt-oss:20b'],
    ['max_tokens', 'openai', 'https://openai.com.evil.test/v1', 'x'],
    ['max_tokens', 'azure', AZURE, 'gpt-4o'],
    ['max_completion_tokens', 'azure', AZURE, 'gpt-5-mini'],
    ['max_completion_tokens', 'azure', AZURE, 'mine', 'azure/o4-mini'],
    ['max_tokens', 'ollama', OWN, 'gpt-5'],
    ['max_tokens', 'deepseek', OWN, 'deepseek-chat'],
    ['max_tokens', 'mistral', OWN, 'mistral-large-latest'],
    ['max_tokens', 'hosted_vllm', OWN, 'x'],
    ['max_tokens', 'anthropic', OWN, 'x'],
    ['max_completion_tokens', 'snowflake', OWN, 'x'],
  ])('%s: %s at %s, %s (%s)', (member, provider, base, name, baseModel) =>
    expect(outputLimitMember(provider, base, name, baseModel)).toBe(member));
}); // prettier-ignore

it.each([
  [true, 'openai', undefined],
  [true, 'ollama', undefined],
  [false, 'mistral', undefined],
  [true, 'azure', '2024-10-21'],
  [true, 'azure', '2024-09-01-preview'],
  [false, 'azure', '2024-06-01'],
  [false, 'azure', '2024-05-01-preview'],
  [true, 'azure', undefined],
])('takes stream_options: %s, %s %s', (takes, provider, version) =>
  expect(takesStreamOptions(provider, version)).toBe(takes),
);

const ADDRESS = 'http://10.0.0.7:8000/v1';
const ONLY_OPENAI = { OPENAI_API_KEY: 'sk-of-openai' };

/** Returns host, name and key of a deployment's calls, or `left out`. */
function callOf(params: RouteParams, variables: ProviderVariables = {}): string {
  const route = routeOf(params, variables);
  if ('problem' in route || missingKey(route, params)) return 'left out';
  return `${new URL(route.base).host} ${route.name} ${route.apiKey ?? 'no key'}`;
}

describe('a deployment without api_key, where only OPENAI_API_KEY is set', () => {
  const OPENAIS = new Set(['openai', 'text-completion-openai', 'text_completion_openai']);
  const prefixes = [...Object.keys(SERVED), ...NOT_SERVED];

  it.each(prefixes.filter((prefix) => !OPENAIS.has(prefix)))('%s/: OpenAI’s key is not sent', (prefix) => {
    for (const api_base of [undefined, ADDRESS, 'https://api.openai.com/v1']) {
      const call = callOf({ model: `${prefix}/m`, ...(api_base && { api_base }) }, ONLY_OPENAI);
      expect(call).not.toContain(ONLY_OPENAI.OPENAI_API_KEY);
    }
  });

  it.each([...OPENAIS])('%s/ sends it, to no host of another provider', (prefix) => {
    expect(callOf({ model: `${prefix}/m` }, ONLY_OPENAI)).toBe('api.openai.com m sk-of-openai');
    expect(callOf({ model: `${prefix}/m`, api_base: ADDRESS }, ONLY_OPENAI)).toBe(
      '10.0.0.7:8000 m sk-of-openai',
    );
    for (const { base } of Object.values(SERVED)) {
      if (!base || /openai\.com|localhost|127\.0\.0\.1/.test(base)) continue;
      expect([base, callOf({ model: `${prefix}/m`, api_base: base }, ONLY_OPENAI)]).toEqual([
        base,
        'left out',
      ]);
    }
    for (const host of ['x.openai.azure.com', 'bedrock-runtime.eu-west-1.amazonaws.com', 'api.z.ai'])
      expect(callOf({ model: `${prefix}/m`, api_base: `https://${host}/v1` }, ONLY_OPENAI)).toBe('left out');
  });
});

/** Members that the clouds need beside a model. Vertex AI takes no key. */
const OF_CLOUD: Readonly<Record<string, object>> = {
  bedrock: { aws_region_name: 'eu-west-1' },
  bedrock_mantle: { aws_region_name: 'eu-west-1' },
  vertex_ai: { vertex_project: 'p' },
  vertex_ai_beta: { vertex_project: 'p' },
};

describe('a deployment without api_key, where every variable is set', () => {
  const all = Object.fromEntries(
    Object.values(SERVED)
      .flatMap(({ keys }) => keys)
      .map((name) => [name, name]),
  );

  it.each(Object.entries(SERVED))('%s/ takes its own', (provider, { base, keys }) => {
    const api_base = base === null ? ADDRESS : undefined;
    const host = new URL(base ?? ADDRESS).host;
    const params = { model: `${provider}/a/m`, ...OF_CLOUD[provider] };
    expect(callOf({ ...params, ...(api_base && { api_base }) }, all)).toBe(
      `${host} a/m ${keys[0] ?? 'no key'}`,
    );
    for (const name of keys)
      expect(callOf({ ...params, api_base: ADDRESS }, { [name]: 'own' })).toContain(' a/m own');
    if (provider.startsWith('vertex_ai')) return;
    expect(callOf({ ...params, api_base: ADDRESS, api_key: 'written' }, all)).toContain(' a/m written');
  });

  it.each([...NOT_SERVED])('%s/ is left out', (provider) => {
    expect(callOf({ model: `${provider}/m` }, all)).toBe('left out');
    expect(callOf({ model: `${provider}/m`, api_base: ADDRESS, api_key: 'k' }, all)).toBe('left out');
  });
});

describe('where calls go', () => {
  it.each<[Partial<RouteParams> & { model: string }, ProviderVariables, string]>([
    [{ model: 'gpt-4o', api_key: 'k' }, {}, 'api.openai.com gpt-4o k'],
    [{ model: 'ft:gpt-4o:acme::x', api_key: 'k' }, {}, 'api.openai.com ft:gpt-4o:acme::x k'],
    [{ model: 'o3-mini', api_key: 'k' }, {}, 'api.openai.com o3-mini k'],
    [{ model: 'text-embedding-3-small', api_key: 'k' }, {}, 'api.openai.com text-embedding-3-small k'],
    [{ model: 'claude-opus-9', api_key: 'k' }, {}, 'api.anthropic.com claude-opus-9 k'],
    // LiteLLM knows no provider of these, or one that is not served. A server of one's own serves them at its address.
    ...[
      'llama3',
      'gpt-oss-120b',
      'meta-llama/llama-3',
      'constructor/x',
      'Openai/gpt-4o',
      'gemini-3-pro',
      'anthropic.claude-3',
    ].flatMap(
      (model) =>
        [
          [{ model, api_key: 'k' }, ONLY_OPENAI, 'left out'],
          [{ model, api_key: 'k', api_base: ADDRESS }, {}, `10.0.0.7:8000 ${model} k`],
        ] as [RouteParams, ProviderVariables, string][],
    ),
    [{ model: 'github/gpt-4o', api_key: 'k' }, {}, 'models.inference.ai.azure.com gpt-4o k'],
    [
      { model: 'fireworks_ai/llama-v3', api_key: 'k' },
      {},
      'api.fireworks.ai accounts/fireworks/models/llama-v3 k',
    ],
    [
      { model: 'fireworks_ai/accounts/acme/models/m', api_key: 'k' },
      {},
      'api.fireworks.ai accounts/acme/models/m k',
    ],
    [
      { model: 'huggingface/together/meta-llama/L', api_key: 'k' },
      {},
      'router.huggingface.co meta-llama/L:together k',
    ],
    [{ model: 'huggingface/meta-llama/L', api_key: 'k' }, {}, 'router.huggingface.co meta-llama/L k'],
    [{ model: 'cloudflare/@cf/x', api_key: 'k' }, { CLOUDFLARE_ACCOUNT_ID: '../x' }, 'left out'],
    [
      { model: 'cloudflare/@cf/x' },
      { CLOUDFLARE_ACCOUNT_ID: 'a1', CLOUDFLARE_API_KEY: 'c' },
      'api.cloudflare.com @cf/x c',
    ],
    [{ model: 'snowflake/m', api_key: 'k', account_id: 'acme-eu' }, {}, 'acme-eu.snowflakecomputing.com m k'],
    [{ model: 'bedrock_mantle/m', api_key: 'k' }, {}, 'left out'],
    [
      { model: 'bedrock_mantle/m', api_key: 'k' },
      { AWS_REGION: 'eu-west-1' },
      'bedrock-mantle.eu-west-1.api.aws m k',
    ],
    [
      { model: 'databricks/d' },
      { DATABRICKS_API_BASE: 'https://adb-1.azuredatabricks.net/serving-endpoints', DATABRICKS_API_KEY: 'd' },
      'adb-1.azuredatabricks.net d d',
    ],
    [{ model: 'codestral/c' }, { MISTRAL_API_KEY: 'm' }, 'codestral.mistral.ai c m'],
    [{ model: 'baseten/abcd1234', api_key: 'k' }, {}, 'model-abcd1234.api.baseten.co abcd1234 k'],
    [{ model: 'xinference/m' }, ONLY_OPENAI, 'left out'],
    [{ model: 'infinity/m' }, ONLY_OPENAI, 'left out'],
    [{ model: 'llamafile/m' }, ONLY_OPENAI, 'left out'],
    [{ model: 'docker_model_runner/m' }, ONLY_OPENAI, 'left out'],
    [{ model: 'lemonade/m' }, ONLY_OPENAI, 'left out'],
    [{ model: 'llamafile/m' }, { LLAMAFILE_API_BASE: ADDRESS }, '10.0.0.7:8000 m no key'],
    [{ model: 'cohere/command-r', api_key: 'k' }, {}, 'api.cohere.ai command-r k'],
    [{ model: 'github_copilot/gpt-4o', api_key: 'k' }, {}, 'left out'],
    [{ model: 'cloudflare/@cf/x', api_key: 'k' }, {}, 'left out'],
    [{ model: 'voyage/v', api_key: 'k' }, {}, 'api.voyageai.com v k'],
    [{ model: 'databricks/d', api_key: 'k' }, {}, 'left out'],
    [{ model: 'org/m', custom_llm_provider: 'groq', api_key: 'k' }, {}, 'api.groq.com org/m k'],
    [{ model: 'groq/m', custom_llm_provider: 'groq', api_key: 'k' }, {}, 'api.groq.com m k'],
    [{ model: 'm', custom_llm_provider: 'nonsense', api_key: 'k', api_base: ADDRESS }, {}, 'left out'],
    [{ model: 'hosted_vllm/m' }, { HOSTED_VLLM_API_BASE: ADDRESS }, '10.0.0.7:8000 m no key'],
    [{ model: 'hosted_vllm/m' }, {}, 'left out'],
    [{ model: 'openai/m' }, { ...ONLY_OPENAI, OPENAI_BASE_URL: ADDRESS }, '10.0.0.7:8000 m sk-of-openai'],
    [{ model: 'openai/m' }, { ...ONLY_OPENAI, OPENAI_BASE_URL: 'nowhere' }, 'left out'],
    [{ model: 'openai/m', extra_headers: { Authorization: 'Bearer x' } }, {}, 'api.openai.com m no key'],
    [{ model: 'azure/m', api_base: 'https://ai.acme.example' }, {}, 'left out'],
    [
      { model: 'azure/m', api_base: 'https://ai.acme.example' },
      { AZURE_API_KEY: 'a' },
      'ai.acme.example m a',
    ],
    [
      { model: 'anthropic/deepseek-chat', api_base: 'https://api.deepseek.com/anthropic' },
      { ANTHROPIC_API_KEY: 'a' },
      'left out',
    ],
  ])('%j with %j: %s', (params, variables, call) => expect(callOf(params, variables)).toBe(call));

  it.each([
    ['ollama', 'http://localhost:11434', 'http://localhost:11434/v1'],
    ['ollama', 'http://localhost:11434/', 'http://localhost:11434/v1'],
    ['ollama_chat', 'http://h:11434/v1', 'http://h:11434/v1'],
    ['ollama_chat', 'http://h/ollama/api/chat', 'http://h/ollama/v1'],
    ['ollama', 'http://h:11434/api/generate', 'http://h:11434/v1'],
    ['mistral', 'https://api.mistral.ai', 'https://api.mistral.ai/v1'],
    ['hosted_vllm', 'http://h:8000', 'http://h:8000'],
    ['minimax', 'https://api.minimax.io', 'https://api.minimax.io/v1'],
    ['minimax', 'https://api.minimax.io/v1/', 'https://api.minimax.io/v1'],
    ['cohere', 'https://api.cohere.ai/v2/chat', 'https://api.cohere.ai/v2'],
    ['cohere_chat', 'https://api.cohere.ai/compatibility/v1', 'https://api.cohere.ai/v2'],
    ['cohere', 'https://api.cohere.com/v1/rerank', 'https://api.cohere.com/v2'],
    [
      'cloudflare',
      'https://api.cloudflare.com/client/v4/accounts/a/ai/run/',
      'https://api.cloudflare.com/client/v4/accounts/a/ai/v1',
    ],
    [
      'databricks',
      'https://adb-1.azuredatabricks.net',
      'https://adb-1.azuredatabricks.net/serving-endpoints',
    ],
    ['snowflake', 'https://a.snowflakecomputing.com', 'https://a.snowflakecomputing.com/api/v2/cortex/v1'],
    ['huggingface', 'http://tgi:8080', 'http://tgi:8080/v1'],
    ['oobabooga', 'http://h:5000', 'http://h:5000/v1'],
    ['deepseek', 'https://api.deepseek.com/anthropic', 'https://api.deepseek.com'],
    ['moonshot', 'https://api.moonshot.cn/anthropic/', 'https://api.moonshot.cn/v1'],
    ['zai', 'https://open.bigmodel.cn/api/anthropic/v1', 'https://open.bigmodel.cn/api/paas/v4'],
  ])('%s/ at %s: %s', (provider, api_base, base) => {
    expect(routeOf({ model: `${provider}/m`, api_base, api_key: 'k' })).toMatchObject({ base });
  });

  it('takes the base of Ollama and the version of Azure from their variables', () => {
    expect(routeOf({ model: 'ollama/m' }, { OLLAMA_API_BASE: 'http://gpu:11434' })).toMatchObject({
      base: 'http://gpu:11434/v1',
    });
    const azure = {
      AZURE_API_BASE: 'https://x.openai.azure.com',
      AZURE_API_VERSION: '2025-01-01',
      AZURE_API_KEY: 'k',
    };
    expect(routeOf({ model: 'azure/m' }, azure)).toMatchObject({
      base: 'https://x.openai.azure.com/openai',
      apiVersion: '2025-01-01',
      apiKey: 'k',
    });
  });
});

describe('a name at `model: "*"`', () => {
  const variables = { OPENAI_API_KEY: 'o', ANTHROPIC_API_KEY: 'a', GROQ_API_KEY: 'g' };
  const callOfName = (
    params: Omit<RouteParams, 'model'>,
    name: string,
    some: ProviderVariables = variables,
  ) => {
    const found = routeForName({ ...params, model: '*' }, name, some);
    return found && `${new URL(found.route.base).host} ${found.route.name} ${found.route.apiKey ?? 'no key'}`;
  };

  it.each([
    ['gpt-4o', 'api.openai.com gpt-4o o'],
    ['openai/gpt-4o', 'api.openai.com gpt-4o o'],
    ['anthropic/claude-opus-9', 'api.anthropic.com claude-opus-9 a'],
    ['claude-opus-9', 'api.anthropic.com claude-opus-9 a'],
    ['groq/llama', 'api.groq.com llama g'],
    ['mistral/large', undefined],
    ['bedrock/claude', undefined],
    ['github/gpt-4o', undefined],
    ['llamafile/m', undefined],
    ['llama3', undefined],
    ['meta-llama/llama-3', undefined],
    ['ollama/llama3', undefined],
  ])('%s: %s', (name, call) => expect(callOfName({}, name)).toBe(call));

  it('carries a key and headers of the deployment to OpenAI alone, unless it has an address', () => {
    const own = { api_key: 'k', organization: 'org', extra_headers: { 'x-secret': 's' } };
    expect(callOfName(own, 'gpt-4o')).toBe('api.openai.com gpt-4o k');
    expect(callOfName(own, 'groq/llama')).toBe('api.groq.com llama g');
    const { route, params } = routeForName({ ...own, model: '*' }, 'groq/llama', variables)!;
    expect([route.organization, params.extra_headers]).toEqual([undefined, undefined]);
    expect(callOfName({ ...own, api_base: ADDRESS }, 'groq/llama')).toBe('10.0.0.7:8000 llama k');
    expect(callOfName({ ...own, api_base: ADDRESS }, 'llama3')).toBe('10.0.0.7:8000 llama3 k');
  });

  it('of a provider that needs an api_base takes it from its variable', () => {
    const some = { DATABRICKS_API_KEY: 'd', DATABRICKS_API_BASE: 'https://adb-1.azuredatabricks.net' };
    expect(callOfName({}, 'databricks/m', some)).toBe('adb-1.azuredatabricks.net m d');
    expect(callOfName({}, 'databricks/m', { DATABRICKS_API_KEY: 'd' })).toBeUndefined();
  });

  it('sends no key to the host of another provider, however it is written', () => {
    for (const host of ['api.groq.com', 'api.groq.com.', 'API.GROQ.COM'])
      expect(
        callOfName({}, 'gpt-4o', { ...variables, OPENAI_BASE_URL: `https://${host}/openai/v1` }),
      ).toBeUndefined();
  });

  it('of a server on this host needs its variable', () => {
    expect(callOfName({}, 'ollama/llama3', { OLLAMA_API_BASE: 'http://localhost:11434' })).toBe(
      'localhost:11434 llama3 no key',
    );
  });

  it.each([
    ['*', true],
    ['gpt-*', true],
    ['openai/*', false],
    ['openrouter/*', false],
    ['gpt-4o', false],
  ])('is decided by the name for %s: %s', (model, is) => expect(isRoutedByName({ model })).toBe(is));
});
