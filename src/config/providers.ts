/** Where a provider's OpenAI-compatible API answers when a deployment names no `api_base`. Null: it must name one. */
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
};

/** Providers with an API of their own, known to LiteLLM and not served here yet. */
const NOT_SERVED = new Set([
  'azure',
  'azure_ai',
  'anthropic',
  'bedrock',
  'vertex_ai',
  'gemini',
  'cohere',
  'sagemaker',
  'huggingface',
  'replicate',
  'watsonx',
]);

export interface ParsedModel {
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
  return base ? { base } : { problem: `the provider '${provider}' needs an api_base` };
}
