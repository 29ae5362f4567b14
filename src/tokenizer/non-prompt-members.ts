/** Members of a call's body that never become prompt. */
export const NON_PROMPT_MEMBERS: ReadonlySet<string> = new Set([
  'model', 'user', 'metadata', 'stream', 'stream_options', 'temperature', 'top_p', 'n', 'best_of', 'max_tokens',
  'max_completion_tokens', 'presence_penalty', 'frequency_penalty', 'seed', 'logprobs', 'top_logprobs', 'store',
  'service_tier', 'safety_identifier', 'prompt_cache_key', 'encoding_format', 'dimensions', 'parallel_tool_calls',
]); // prettier-ignore
