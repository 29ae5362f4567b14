/** Members that would choose the upstream or its credentials. A scan refuses them at any depth. */
const SMUGGLED = [
  'api_base',
  'base_url',
  'api_key',
  'api_version',
  'extra_headers',
  'model_list',
  'user_config',
  'custom_llm_provider',
  'litellm_params',
  'litellm_params_template',
  'litellm_embedding_config',
  'litellm_credential_name',
  'aws_access_key_id',
  'aws_secret_access_key',
  'aws_session_token',
  'aws_bedrock_runtime_endpoint',
  'aws_sts_endpoint',
  'aws_web_identity_token',
  'vertex_credentials',
  'vertex_project',
  'azure_ad_token',
  'azure_endpoint',
  'langfuse_host',
  'langfuse_secret_key',
  'langsmith_base_url',
  's3_endpoint_url',
] as const;
/** Names that the scan refuses at any depth. */
export const FORBIDDEN_PARAM_NAMES: ReadonlySet<string> = new Set(SMUGGLED);

/** LiteLLM's names for credentials and destinations, of providers and of callbacks. */
const CREDENTIALS_AND_DESTINATIONS = [
  'anthropic_disable_workload_identity_federation', 'anthropic_federation_rule_id',
  'anthropic_federation_workspace_id', 'anthropic_identity_source', 'anthropic_identity_token',
  'anthropic_identity_token_file', 'anthropic_issuer_audience', 'anthropic_issuer_signing_key_ref',
  'anthropic_issuer_subject', 'anthropic_issuer_ttl_seconds', 'anthropic_issuer_url',
  'anthropic_keycloak_auth_method', 'anthropic_keycloak_client_id', 'anthropic_keycloak_client_secret_ref',
  'anthropic_keycloak_scope', 'anthropic_keycloak_token_url', 'anthropic_organization_id',
  'anthropic_service_account_id', 'arize_api_key', 'arize_error_sampling_rate', 'arize_otlp_protocol',
  'arize_space_id', 'arize_space_key', 'arize_success_sampling_rate', 'aws_batch_role_arn', 'aws_profile_name',
  'aws_region_name', 'aws_role_name', 'aws_session_name', 'azure_ad_token_provider', 'azure_password',
  'azure_scope', 'azure_username', 'client_id', 'client_secret', 'configurable_clientside_auth_params',
  'dd_agent_host', 'dd_agent_port', 'dd_api_key', 'dd_site', 'default_headers', 'gcs_bucket_name',
  'gcs_path_service_account', 'github_copilot_auth_type', 'github_copilot_user_session', 'humanloop_api_key',
  'langfuse_environment', 'langfuse_prompt_version', 'langfuse_public_key', 'langfuse_secret',
  'langfuse_span_scope', 'langsmith_api_key', 'langsmith_project', 'langsmith_sampling_rate',
  'langsmith_tenant_id', 'mock_tool_calls', 'newrelic_api_key', 'newrelic_region',
  'openai_identity_provider_id', 'openai_identity_token_file', 'openai_service_account_id', 'posthog_api_key',
  'posthog_api_url', 'provider_specific_header', 'proxy_server_request', 's3_access_key_id', 's3_bucket_name',
  's3_bucket_owner', 's3_encryption_key_id', 's3_output_bucket_name', 's3_region_name', 's3_secret_access_key',
  'secret_fields', 'shared_session', 'signoz_ingestion_endpoint', 'signoz_ingestion_key', 'ssl_verify',
  'tenant_id', 'token_exchange_audience', 'token_exchange_endpoint', 'token_exchange_profile',
  'token_exchange_scope', 'user_provider_credentials', 'vertex_ai_credentials', 'wandb_api_key',
  'weave_project_id',
]; // prettier-ignore

/** Names that are refused at the top level only. Deeper down they are ordinary data. */
export const FORBIDDEN_TOP_NAMES: ReadonlySet<string> = new Set<string>([
  ...SMUGGLED,
  'headers',
  'organization',
  'mock_response',
  'extra_body',
  ...CREDENTIALS_AND_DESTINATIONS,
]);
/** Members by which an aggregator (OpenRouter, Vercel) calls a model or provider that was not checked. */
export const MODEL_CHOOSERS: ReadonlySet<string> = new Set([
  'models',
  'route',
  'preset',
  'provider',
  'model_fallbacks',
  'fallback_models',
  'fallback_model',
  'safety_model',
  'draft_model',
  'lora_path',
  'adapter_id',
]);
