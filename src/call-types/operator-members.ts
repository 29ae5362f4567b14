/** Members that the operator may add to a call, in a deployment's `litellm_params`. */
export interface OperatorMembers {
  /** Names of the defaults that the API has. Absent: all are sent. */
  readonly defaults?: ReadonlySet<string>;
  /** True if `extra_body` is merged into the body. */
  readonly extraBody: boolean;
}

const EVERYTHING: OperatorMembers = { extraBody: true };

const only = (extraBody: boolean, names: string): OperatorMembers => ({
  extraBody,
  defaults: new Set(names.split(' ')),
});

/** Members that LiteLLM adds to a call, by the path of its type. Other types of calls are sent as the client wrote them. */
export const OPERATOR_MEMBERS: Readonly<Record<string, OperatorMembers>> = {
  '/chat/completions': EVERYTHING,
  '/completions': EVERYTHING,
  '/embeddings': EVERYTHING,
  '/images/generations': EVERYTHING,
  '/images/edits': EVERYTHING,
  '/audio/transcriptions': EVERYTHING,
  '/audio/translations': EVERYTHING,
  '/responses': only(
    true,
    'background include instructions max_output_tokens max_tool_calls parallel_tool_calls prompt_cache_key reasoning safety_identifier service_tier store temperature text tool_choice tools top_logprobs top_p truncation user',
  ),
  '/messages': only(
    false,
    'context_management max_tokens service_tier stop_sequences system temperature thinking tool_choice tools top_k top_p',
  ),
  '/audio/speech': only(false, 'instructions response_format speed stream_format'),
};
