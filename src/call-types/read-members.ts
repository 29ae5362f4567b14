/**
 * Every top-level member of a call's body that this gateway reads, in its exact spelling. The compiler allows no other name
 * in `CallBody.value`, so the list is complete. `refuseLookalikes` refuses any name that an upstream with a loose comparison
 * could take for one of these.
 */
export const READ_MEMBERS = [
  // Model, users, and members for the gateway only.
  'model', 'user', 'metadata', 'store', 'safety_identifier', 'litellm_metadata', 'tags',
  'litellm_session_id', 'litellm_trace_id', 'client_metadata',
  'fallbacks', 'context_window_fallbacks', 'content_policy_fallbacks', 'router_settings_override',
  'drop_params', 'additional_drop_params',
  // Prompt.
  'messages', 'input', 'prompt', 'prompt_embeds', 'documents', 'query', 'system', 'instructions',
  'previous_response_id', 'conversation',
  // Length, number and form of the outputs.
  'max_tokens', 'max_completion_tokens', 'max_output_tokens', 'n_predict', 'num_predict', 'max_new_tokens',
  'auto_max_new_tokens', 'max_length', 'max_gen_len', 'max_tokens_to_sample', 'min_tokens', 'n', 'n_cmpl', 'best_of',
  'stream', 'stream_options', 'partial_images', 'thinking', 'reasoning', 'chat_template', 'chat_template_kwargs',
  'size', 'reasoning_effort', 'enable_thinking', 'thinking_budget', 'prediction', 'service_tier', 'background',
  'deferred', 'modalities', 'audio',
  // Tools, and other features with fees.
  'tools', 'functions', 'response_format', 'text', 'max_tool_calls', 'speed', 'inference_geo', 'context_management',
  'mcp_servers', 'container', 'web_search_options', 'search_parameters', 'enable_search', 'search_options', 'plugins',
  'media_response', 'compound_custom', 'search_settings', 'data_sources', 'web_search', 'venice_parameters',
  'enable_enhancement', 'force_search_enhancement', 'enable_code_interpreter',
  // Google's and Bedrock's own APIs.
  'contents', 'content', 'systemInstruction', 'generationConfig', 'cachedContent', 'inferenceConfig',
  'additionalModelRequestFields', 'toolConfig', 'guardrailConfig', 'performanceConfig', 'serviceTier',
  'promptVariables', 'anthropic_beta',
  // Options by which an aggregator chooses the model.
  'providerOptions',
] as const; // prettier-ignore

export type ReadMember = (typeof READ_MEMBERS)[number];
