import { isHostOfOpenAi, isReasoningModel } from './providers.js';

/** Members and roles of a chat that a provider knows by another name. */
export interface ChatRenames {
  readonly members: readonly (readonly [from: string, to: string])[];
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

/** Providers that know the role `developer`, at their own hosts. */
const KNOW_DEVELOPER = new Set(['openai', 'text-completion-openai', 'text_completion_openai']);

const NO_MEMBERS = [] as const;
const ROLE_ALONE: ChatRenames = { members: NO_MEMBERS, hasNoDeveloper: true };
const LIMIT_AND_ROLE: ChatRenames = { members: [TO_MAX_TOKENS], hasNoDeveloper: true };
const OF_MISTRAL: ChatRenames = { members: [TO_MAX_TOKENS, SEED], hasNoDeveloper: true };
const OF_SNOWFLAKE: ChatRenames = { members: [TO_MAX_COMPLETION_TOKENS], hasNoDeveloper: true };
const OF_REASONING: ChatRenames = { members: [TO_MAX_COMPLETION_TOKENS], hasNoDeveloper: false };
const OF_OWN_REASONING: ChatRenames = { members: [TO_MAX_COMPLETION_TOKENS], hasNoDeveloper: true };

/** Returns what is renamed in the chats of a deployment. Undefined if its provider knows every name. */
export function chatRenames(
  provider: string,
  base: string,
  name: string,
  baseModel?: string,
): ChatRenames | undefined {
  const isOfOpenAi = KNOW_DEVELOPER.has(provider);
  const knowsDeveloper = provider === 'azure' || (isOfOpenAi && isHostOfOpenAi(base));
  if (provider === 'azure' || isOfOpenAi) {
    if (isReasoningModel(name, baseModel)) return knowsDeveloper ? OF_REASONING : OF_OWN_REASONING;
    return knowsDeveloper ? undefined : ROLE_ALONE;
  }
  if (provider === 'snowflake') return OF_SNOWFLAKE;
  if (provider === 'mistral' || provider === 'codestral') return OF_MISTRAL;
  return READ_MAX_TOKENS_ALONE.has(provider) ? LIMIT_AND_ROLE : ROLE_ALONE;
}
