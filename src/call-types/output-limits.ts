import type { ReadMember } from './read-members.js';

/**
 * Members by which one server or another is told how long an answer may be: OpenAI's three, then those of llama.cpp, Ollama,
 * text-generation-webui, KoboldCpp and TabbyAPI, Llama's and Claude's older APIs. Where a budget applies, only the one the
 * provider reads is sent.
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

/** Returns whether a member of a body, of whatever API, limits an answer. */
export const limitsOutput = (name: string): boolean => NAMES.has(name);
