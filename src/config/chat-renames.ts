import { isHostOfOpenAi, isReasoningModel } from './providers.js';

/** Members and roles of a chat that a provider knows by another name, or refuses though it does what they ask for. */
export interface ChatRenames {
  readonly members: readonly (readonly [from: string, to: string | null])[];
  /** True if the provider does not know the role `developer`, which its API calls `system`. */
  readonly hasNoDeveloper: boolean;
}

/** Providers that read an output limit from `max_tokens` alone. */
const READ_MAX_TOKENS_ALONE: ReadonlySet<string> = new Set([
  'abliteration', 'ai21', 'ai21_chat', 'aihubmix', 'aiml', 'amazon_nova', 'apertis', 'baseten', 'bedrock_mantle', 'cerebras',
  'charity_engine', 'chutes', 'codestral', 'cohere', 'cohere_chat', 'crusoe', 'custom_openai', 'darkbloom', 'databricks',
  'deepinfra', 'deepseek', 'docker_model_runner', 'empiriolabs', 'empower', 'featherless_ai', 'fireworks_ai', 'friendliai',
  'galadriel', 'github', 'gmi', 'groq', 'hyperbolic', 'inception', 'lambda_ai', 'lemonade', 'libertai', 'llamagate', 'mistral',
  'moonshot', 'nano-gpt', 'nebius', 'neosantara', 'nscale', 'nvidia_nim', 'ollama', 'ollama_chat', 'perplexity', 'pinstripes',
  'poe', 'publicai', 'sambanova', 'sarvam', 'scx-ai', 'synthetic', 'tensormesh', 'veniceai', 'vertex_ai', 'vertex_ai_beta',
  'volcengine', 'wandb', 'xai', 'xiaomi_mimo', 'xinference', 'zai',
]); // prettier-ignore
const TO_MAX_TOKENS = ['max_completion_tokens', 'max_tokens'] as const;
const TO_MAX_COMPLETION_TOKENS = ['max_tokens', 'max_completion_tokens'] as const;
const SEED = ['seed', 'random_seed'] as const;

/** Providers that know the role `developer`, at OpenAI's hosts or for its reasoning models. */
const KNOW_DEVELOPER = new Set(['openai', 'text-completion-openai', 'text_completion_openai']);

const ROLE_ALONE: ChatRenames = { members: [], hasNoDeveloper: true };
const LIMIT_AND_ROLE: ChatRenames = { members: [TO_MAX_TOKENS], hasNoDeveloper: true };
/** Mistral tells a stream's usage without it. */
const NO_STREAM_OPTIONS = ['stream_options', null] as const;
const OF_MISTRAL: ChatRenames = { members: [TO_MAX_TOKENS, SEED, NO_STREAM_OPTIONS], hasNoDeveloper: true };
const OF_SNOWFLAKE: ChatRenames = { members: [TO_MAX_COMPLETION_TOKENS], hasNoDeveloper: true };
const OF_REASONING: ChatRenames = { members: [TO_MAX_COMPLETION_TOKENS], hasNoDeveloper: false };

/** Returns what is renamed in the chats of a deployment. Undefined if its provider knows every name. */
export function chatRenames(
  provider: string,
  base: string,
  name: string,
  baseModel?: string,
): ChatRenames | undefined {
  if (provider === 'azure' || KNOW_DEVELOPER.has(provider)) {
    if (isReasoningModel(name, baseModel)) return OF_REASONING;
    return provider === 'azure' || isHostOfOpenAi(base) ? undefined : ROLE_ALONE;
  }
  if (provider === 'snowflake') return OF_SNOWFLAKE;
  if (provider === 'mistral' || provider === 'codestral') return OF_MISTRAL;
  return READ_MAX_TOKENS_ALONE.has(provider) ? LIMIT_AND_ROLE : ROLE_ALONE;
}
