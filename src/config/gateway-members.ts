/** Members by which LiteLLM's clients configure the gateway. LiteLLM forwards none of them to a provider. */
const GATEWAY_MEMBERS: ReadonlySet<string> = new Set([
  'acompletion', 'adaptive_router_config', 'adaptive_router_default_model', 'additional_drop_params',
  'aembedding', 'aimg_generation', 'allm_passthrough_route', 'allow_client_keepalive_override',
  'allowed_model_region', 'allowed_openai_params', 'assistant_continue_message', 'async_call',
  'atext_completion', 'attempted_targets', 'auto_router_config', 'auto_router_config_path',
  'auto_router_default_model', 'auto_router_embedding_model', 'auto_router_max_input_chars',
  'auto_router_model_compression', 'auto_router_routing_compression', 'azure', 'base_model', 'bedrock_tags',
  'bos_token', 'budget_duration', 'cache', 'cache_control_injection_points', 'cache_key', 'caching',
  'caching_groups', 'callbacks', 'client', 'client_side_timeout', 'complete_response', 'completion_call_id',
  'complexity_router_config', 'complexity_router_default_model', 'content_policy_fallbacks',
  'context_window_fallback_dict', 'context_window_fallbacks', 'cooldown_time', 'custom_prompt_dict',
  'data_residency', 'default_api_key_rpm_limit', 'default_api_key_tpm_limit', 'deployment_id',
  'disable_add_transform_inline_image_block', 'disable_fallbacks', 'disable_global_guardrail',
  'disable_global_guardrails', 'drop_params', 'enable_json_schema_validation', 'enable_prompt_caching',
  'enable_tag_filtering', 'ensure_alternating_roles', 'eos_token', 'failure_callback', 'fallback_depth',
  'fallbacks', 'fastest_response', 'final_prompt_value', 'fireworks_forward_user_id', 'force_timeout',
  'guardrail_config', 'guardrails', 'hf_model_name', 'id', 'itpm', 'keepalive_seconds',
  'log_client_error_tracebacks', 'logger_fn', 'max_agentic_loops', 'max_budget', 'max_fallbacks',
  'max_file_size_mb', 'max_parallel_requests', 'max_retries', 'merge_reasoning_content_in_choices',
  'mock_timeout', 'model_alias_map', 'model_config', 'model_file_id_mapping', 'model_group', 'model_info',
  'modify_params', 'no-log', 'num_retries', 'order', 'otpm', 'output_vector_size', 'policies',
  'preset_cache_key', 'prompt_environment', 'prompt_id', 'prompt_label', 'prompt_variables', 'prompt_version',
  'provider_affinity_header', 'quality_router_config', 'quality_router_default_model', 'region_name',
  'regional_endpoint_uplift_multiplier', 'regional_processing_uplift_multiplier_eu',
  'regional_processing_uplift_multiplier_us', 'request_timeout', 'retry_after', 'retry_policy',
  'retry_strategy', 'roles', 'router_settings_override', 'routing_strategy', 'rpm', 'rust', 'search_tool_name', 'self',
  'service_callback', 'silent_model', 'specific_deployment', 'spend_logs_metadata', 'stream_chunk_size',
  'stream_response', 'stream_timeout', 'stream_timeout_by_service_tier', 'success_callback',
  'supports_system_message', 'tag_regex', 'tags', 'text_completion', 'tiered_pricing', 'timeout',
  'timeout_by_service_tier', 'tpm', 'ttl', 'turn_off_message_logging', 'use_chat_completions_api', 'use_client',
  'use_in_pass_through', 'use_litellm_proxy', 'use_xai_oauth', 'user_continue_message', 'verbose', 'weight',
]); // prettier-ignore

/** Prefixes and prices that only LiteLLM knows: `litellm_session_id`, `_agentic_loop_depth`, `input_cost_per_token`. */
const GATEWAY_MEMBER = /^(?:_|litellm_|mock_testing_)|(?:^|_)cost(?:_|$)/;

/** Tells whether a member of a call's body is meant for the gateway itself. It is not forwarded. */
export const isGatewayMember = (name: string): boolean =>
  GATEWAY_MEMBERS.has(name) || GATEWAY_MEMBER.test(name);
