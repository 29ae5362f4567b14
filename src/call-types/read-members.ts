/**
 * Every top-level member of a call's body that this gateway reads, spelled as it is read. `CallBody.value` takes no other
 * name, so that a member somebody begins to read cannot be missing here: `refuseLookalikes` refuses whatever an upstream
 * that compares names loosely could take for one of these.
 */
export const READ_MEMBERS = [
  // Which model, for whom, and what speaks to the gateway alone.
  'model', 'user', 'metadata', 'safety_identifier', 'litellm_metadata', 'tags',
  'fallbacks', 'context_window_fallbacks', 'content_policy_fallbacks', 'router_settings_override',
  // What is asked.
  'messages', 'input', 'prompt', 'prompt_embeds', 'documents', 'query', 'system', 'instructions',
  'previous_response_id', 'conversation',
  // How long, how often and in which form it is answered.
  'max_tokens', 'max_completion_tokens', 'max_output_tokens', 'n_predict', 'num_predict', 'max_new_tokens',
  'auto_max_new_tokens', 'max_length', 'max_gen_len', 'max_tokens_to_sample', 'min_tokens', 'n', 'n_cmpl', 'best_of',
  'stream', 'stream_options', 'partial_images', 'thinking', 'reasoning', 'chat_template', 'chat_template_kwargs',
  'reasoning_effort', 'enable_thinking', 'thinking_budget', 'prediction', 'service_tier', 'background',
  'deferred', 'modalities', 'audio',
  // Tools, and what else costs more than tokens.
  'tools', 'functions', 'response_format', 'text', 'max_tool_calls', 'speed', 'inference_geo', 'context_management',
  'mcp_servers', 'container', 'web_search_options', 'search_parameters', 'enable_search', 'search_options', 'plugins',
  'media_response', 'compound_custom', 'search_settings', 'data_sources', 'web_search', 'venice_parameters',
  'enable_enhancement', 'force_search_enhancement', 'enable_code_interpreter',
  // What makes an aggregator choose the model.
  'providerOptions',
] as const; // prettier-ignore

export type ReadMember = (typeof READ_MEMBERS)[number];
