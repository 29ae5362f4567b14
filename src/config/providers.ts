/**
 * Base address of each provider, used if a deployment names no `api_base`. Null: the deployment must name one. The API is
 * OpenAI's unless `SPOKEN` says otherwise.
 */
const DEFAULT_BASE: Readonly<Record<string, string | null>> = {
  openai: 'https://api.openai.com/v1',
  text_completion_openai: 'https://api.openai.com/v1',
  custom_openai: null,
  openai_like: null,
  hosted_vllm: null,
  vllm: null,
  litellm_proxy: null,
  lm_studio: 'http://localhost:1234/v1',
  ollama: 'http://localhost:11434/v1',
  ollama_chat: 'http://localhost:11434/v1',
  openrouter: 'https://openrouter.ai/api/v1',
  groq: 'https://api.groq.com/openai/v1',
  mistral: 'https://api.mistral.ai/v1',
  deepseek: 'https://api.deepseek.com/v1',
  together_ai: 'https://api.together.xyz/v1',
  fireworks_ai: 'https://api.fireworks.ai/inference/v1',
  xai: 'https://api.x.ai/v1',
  perplexity: 'https://api.perplexity.ai',
  cerebras: 'https://api.cerebras.ai/v1',
  nvidia_nim: 'https://integrate.api.nvidia.com/v1',
  deepinfra: 'https://api.deepinfra.com/v1/openai',
  sambanova: 'https://api.sambanova.ai/v1',
  moonshot: 'https://api.moonshot.ai/v1',
  dashscope: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
  jina_ai: 'https://api.jina.ai/v1',
  azure: null,
  anthropic: 'https://api.anthropic.com/v1',
  cohere: 'https://api.cohere.com/v2',
};

/** Routes of providers with an API of their own. Nothing is translated from one API to another. */
const SPOKEN: Readonly<Record<string, readonly string[]>> = {
  anthropic: ['/messages', '/messages/count_tokens'],
  cohere: ['/rerank'],
};
/** Routes that OpenAI-compatible APIs do not have. */
const ONLY_THEIRS = new Set(SPOKEN.anthropic);

/** Tells whether this provider serves calls at this path. */
export const speaks = (provider: string, path: string): boolean =>
  SPOKEN[provider]?.includes(path) ?? !ONLY_THEIRS.has(path);

/** Providers with an API of their own that LiteLLM knows and this gateway does not serve. */
const NOT_SERVED = new Set([
  'azure_ai',
  'bedrock',
  'vertex_ai',
  'gemini',
  'sagemaker',
  'huggingface',
  'replicate',
  'watsonx',
]);

interface ParsedModel {
  readonly provider: string;
  /** Name of the model at the upstream. */
  readonly name: string;
}

/** Splits `<provider>/<name>`. A bare name, or one whose prefix is no provider, is OpenAI's. */
export function parseModel(model: string): ParsedModel {
  const slash = model.indexOf('/');
  const prefix = slash < 0 ? '' : model.slice(0, slash);
  return Object.hasOwn(DEFAULT_BASE, prefix) || NOT_SERVED.has(prefix)
    ? { provider: prefix, name: model.slice(slash + 1) }
    : { provider: 'openai', name: model };
}

/** Returns the address of a provider's calls, or the problem with it. */
export function baseOf(
  provider: string,
  apiBase: string | undefined,
): { base: string } | { problem: string; notServed?: true } {
  if (NOT_SERVED.has(provider))
    return { problem: `the provider '${provider}' is not served yet`, notServed: true };
  const base = apiBase ?? DEFAULT_BASE[provider];
  return base
    ? { base: (OWN_BASE[provider] ?? asItIs)(base) }
    : { problem: `the provider '${provider}' needs an api_base` };
}

const asItIs = (base: string) => base;

/** Returns the base of an API with or without the part that precedes every route, as LiteLLM's files write it. */
const OWN_BASE: Readonly<Record<string, (base: string) => string>> = {
  anthropic: (base) => base.replace(/\/+$/, '').replace(/(?:\/v1)?(?:\/messages)?$/, '/v1'),
  azure: (base) =>
    AZURE_V1.test(base) ? base : base.replace(/\/+$/, '').replace(/(?:\/openai(?:\/.*)?)?$/, '/openai'),
};

/** Tells whether an address is Azure's newer API, which is OpenAI's own: the model in the body, no version in the query. */
const AZURE_V1 = /\/openai\/v1\/*$/;
const AZURE_DEFAULT_VERSION = '2024-10-21';

/** Returns the API version that every call to an Azure resource must name; undefined elsewhere. */
export const azureVersion = (
  provider: string,
  base: string,
  apiVersion = AZURE_DEFAULT_VERSION,
): string | undefined => (provider === 'azure' && !AZURE_V1.test(base) ? apiVersion : undefined);

/** Returns the header that carries the provider's key. */
export function credentialHeaders(provider: string, apiKey: string | undefined): Record<string, string> {
  if (provider === 'anthropic')
    return { 'anthropic-version': '2023-06-01', ...(apiKey !== undefined && { 'x-api-key': apiKey }) };
  if (apiKey === undefined) return {};
  return provider === 'azure' ? { 'api-key': apiKey } : { authorization: `Bearer ${apiKey}` };
}

/** Hosts that serve OpenAI's own models, whatever a deployment calls them. */
const HOSTS_OF_OPENAI = /(?:^|\.)(?:openai\.com|openai\.azure\.com|services\.ai\.azure\.com)$/;
/** OpenAI's models that refuse `max_tokens`. */
const REASONS = /^(?:ft:)?(?:o[1-9](?:-|$)|gpt-[5-9]|codex-)/;

/**
 * Returns the member from which a provider reads an output limit in a chat. OpenAI reads `max_completion_tokens`, for its
 * reasoning models nothing else. Every other API reads `max_tokens`, also a server at its own address that calls itself
 * OpenAI's. On Azure a model has the name of its deployment, so `baseModel` identifies it.
 */
export function outputLimitMember(provider: string, base: string, name: string, baseModel = name): string {
  const isReasoning = REASONS.test(parseModel(baseModel).name) || REASONS.test(name);
  if (provider === 'azure') return isReasoning ? 'max_completion_tokens' : 'max_tokens';
  if (provider !== 'openai') return 'max_tokens';
  return isReasoning || HOSTS_OF_OPENAI.test(new URL(base).hostname) ? 'max_completion_tokens' : 'max_tokens';
}

/** Providers that refuse `stream_options`. They report a stream's usage without it. */
const TELL_USAGE_UNASKED = new Set(['mistral']);
/** The first version of Azure's API with `stream_options`. */
const AZURE_FIRST_VERSION = '2024-09-01';

/** Tells whether a provider takes `stream_options`. */
export const takesStreamOptions = (provider: string, azureApiVersion: string | undefined): boolean =>
  !TELL_USAGE_UNASKED.has(provider) &&
  (azureApiVersion === undefined || !(azureApiVersion < AZURE_FIRST_VERSION));

/** Tells whether a segment of a path leads to another path. */
export const isDots = (segment: string): boolean => segment === '.' || segment === '..';
