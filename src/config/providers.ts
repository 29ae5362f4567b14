/** Where a provider's API (OpenAI-compatible, where `SPOKEN` does not say otherwise) answers when a deployment names no `api_base`. Null: it must name one. */
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

/** The routes of providers with an API of their own. Nothing is translated from one API to another. */
const SPOKEN: Readonly<Record<string, readonly string[]>> = {
  anthropic: ['/messages', '/messages/count_tokens'],
  cohere: ['/rerank'],
};
/** Routes that OpenAI-compatible APIs do not have. */
const ONLY_THEIRS = new Set(SPOKEN.anthropic);

/** Does this provider answer calls at this path itself? */
export const speaks = (provider: string, path: string): boolean =>
  SPOKEN[provider]?.includes(path) ?? !ONLY_THEIRS.has(path);

/** Providers with an API of their own, known to LiteLLM and not served here yet. */
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
  /** What the upstream calls the model. */
  readonly name: string;
}

/** `<provider>/<name>`; a bare name, or one under a prefix that is no provider, is OpenAI's. */
export function parseModel(model: string): ParsedModel {
  const slash = model.indexOf('/');
  const prefix = slash < 0 ? '' : model.slice(0, slash);
  return Object.hasOwn(DEFAULT_BASE, prefix) || NOT_SERVED.has(prefix)
    ? { provider: prefix, name: model.slice(slash + 1) }
    : { provider: 'openai', name: model };
}

/** The address a provider's calls go to, or what is wrong. */
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

/** What LiteLLM's files name as the base of these APIs: with or without what stands before every route. */
const OWN_BASE: Readonly<Record<string, (base: string) => string>> = {
  anthropic: (base) => base.replace(/\/+$/, '').replace(/(?:\/v1)?(?:\/messages)?$/, '/v1'),
  azure: (base) =>
    AZURE_V1.test(base) ? base : base.replace(/\/+$/, '').replace(/(?:\/openai(?:\/.*)?)?$/, '/openai'),
};

/** Azure's newer API is OpenAI's own: the model in the body, no version in the query. */
const AZURE_V1 = /\/openai\/v1\/*$/;
const AZURE_DEFAULT_VERSION = '2024-10-21';

/** The version every call to an Azure resource names; undefined elsewhere. */
export const azureVersion = (
  provider: string,
  base: string,
  apiVersion = AZURE_DEFAULT_VERSION,
): string | undefined => (provider === 'azure' && !AZURE_V1.test(base) ? apiVersion : undefined);

/** How a provider is told whose call it is. */
export function credentialHeaders(provider: string, apiKey: string | undefined): Record<string, string> {
  if (provider === 'anthropic')
    return { 'anthropic-version': '2023-06-01', ...(apiKey !== undefined && { 'x-api-key': apiKey }) };
  if (apiKey === undefined) return {};
  return provider === 'azure' ? { 'api-key': apiKey } : { authorization: `Bearer ${apiKey}` };
}

/** Hosts where OpenAI's own models answer, whatever a deployment calls them. */
const HOSTS_OF_OPENAI = /(?:^|\.)(?:openai\.com|openai\.azure\.com|services\.ai\.azure\.com)$/;
/** OpenAI's models that refuse `max_tokens`. */
const REASONS = /^(?:ft:)?(?:o[1-9](?:-|$)|gpt-[5-9]|codex-)/;

/**
 * Returns the member a provider reads an output limit from in a chat. OpenAI reads `max_completion_tokens`, and of its
 * reasoning models nothing else; every other API reads `max_tokens`, the servers that call themselves OpenAI's at an
 * address of their own included. On Azure a model has the name of its deployment, so `baseModel` tells which it is.
 */
export function outputLimitMember(provider: string, base: string, name: string, baseModel = name): string {
  const isReasoning = REASONS.test(parseModel(baseModel).name) || REASONS.test(name);
  if (provider === 'azure') return isReasoning ? 'max_completion_tokens' : 'max_tokens';
  if (provider !== 'openai') return 'max_tokens';
  return isReasoning || HOSTS_OF_OPENAI.test(new URL(base).hostname) ? 'max_completion_tokens' : 'max_tokens';
}

/** Providers that refuse `stream_options`: they tell a stream's usage unasked. */
const TELL_USAGE_UNASKED = new Set(['mistral']);
/** The first version of Azure's API with `stream_options`. */
const AZURE_FIRST_VERSION = '2024-09-01';

/** Returns whether a provider takes `stream_options`. */
export const takesStreamOptions = (provider: string, azureApiVersion: string | undefined): boolean =>
  !TELL_USAGE_UNASKED.has(provider) &&
  (azureApiVersion === undefined || !(azureApiVersion < AZURE_FIRST_VERSION));

/** A segment of a path that leads to another path. */
export const isDots = (segment: string): boolean => segment === '.' || segment === '..';
