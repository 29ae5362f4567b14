import type { ReadMember } from './read-members.js';

/**
 * Members that limit the output in some API: OpenAI's three, then those of llama.cpp, Ollama, text-generation-webui,
 * KoboldCpp, TabbyAPI, and the older APIs of Llama and Claude. If a budget applies, only the member that the provider reads
 * is sent.
 */
export const OUTPUT_LIMIT_MEMBERS: readonly ReadMember[] = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'n_predict',
  'num_predict',
  'max_new_tokens',
  'auto_max_new_tokens',
  'max_length',
  'max_gen_len',
  'max_tokens_to_sample',
];

const NAMES: ReadonlySet<string> = new Set(OUTPUT_LIMIT_MEMBERS);

/** Returns whether a member limits the output in any API. */
export const limitsOutput = (name: string): boolean => NAMES.has(name);
