/** Advice by path of a setting or member that has no effect. The first match counts. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^litellm_settings\.(?:service_)?(?:success_|failure_)?callbacks?$/, 'Remove it. Traces: OTEL_EXPORTER_OTLP_ENDPOINT. Metrics: /metrics. Every call: /spend/logs'],
  [/^litellm_settings\.cache(?:$|_params)/, 'Remove it: answers are not cached. cache_params of type redis names the Redis of several processes'],
  [/\.(?:set_verbose|debug|detailed_debug|log_raw_request_response|suppress_debug_info)$|^debug$/, 'Remove it. general_settings.decision_log: all logs every decision'],
  [/\.store_model_in_db$/, 'Remove it: models added by /model/new are always stored'],
  [/\.routing_strategy(?:_args)?$/, 'Remove it. Deployments of one name take turns by litellm_params.weight'],
  [/\.(?:cooldown_time|allowed_fails|allowed_fails_policy|disable_cooldowns)$/, 'Remove it: a failed call goes to the next deployment at once. num_retries and fallbacks say how often'],
  [/\.(?:retry_policy|retry_after|model_group_retry_policy)$/, 'num_retries, or litellm_params.max_retries of a deployment'],
  [/\.stream_timeout$/, 'timeout'],
  [/\.(?:context_window|content_policy)_fallbacks$/, 'fallbacks'],
  [/\.(?:alerting|alert_types|alerting_threshold|alerting_args|alert_to_webhook_url)(?:$|\.)/, 'general_settings.alert_webhook_url and alert_webhook_secret'],
  [/store_prompts_in_spend_logs$/, 'Remove it: prompts are never stored'],
  [/\.disable_budget_reservation$/, 'Remove it: money is always held before a call'],
  [/\.(?:disable_spend_logs|disable_error_logs)$/, 'Remove it: every call is in the ledger. general_settings.spend_logs_retention says for how long'],
  [/litellm_params\.(?:rpm|tpm|max_parallel_requests)$/, 'rpm_limit, tpm_limit and max_parallel_requests of keys, teams, users or tags'],
  [/litellm_params\.(?:tags|order|region_name)$/, 'Remove it. Deployments of one name take turns by weight; fallbacks give an order'],
  [/litellm_params\.(?:azure_ad_token|tenant_id|client_id|client_secret|aws_|vertex_)/, 'api_key'],
  [/\.(?:background_health_checks|health_check_interval|health_check_details|use_shared_health_check)$/, 'Remove it: /health says how the last calls ended'],
  [/\.(?:ui_access_mode|ui_username|ui_password|proxy_admin_email|disable_admin_ui)$/, 'Remove it: there is no user interface yet'],
  [/\.(?:allow_requests_on_db_unavailable)$/, 'Remove it: a call that cannot be decided gets 503'],
  [/\.(?:database_connection_pool_limit|database_connection_timeout|proxy_batch_write_at|proxy_budget_rescheduler_m(?:in|ax)_time|disable_prisma_schema_update)$/, 'Remove it: amounts are committed with each call'],
  [/\.telemetry$/, 'Remove it: nothing is sent'],
  [/^(?:mcp_servers|files_settings|finetune_settings|assistant_settings|search_tools|vector_store_registry|prompts)(?:$|\.)/, 'Remove it: there are no such routes'],
  [/^general_settings\.master_key$/, 'Remove it, or the variable: the environment takes precedence'],
  [/^litellm_settings\.(?:master_key|database_url)$/, 'The same key in general_settings'],
  [/^general_settings\.database_url$/, 'Remove it, or DATABASE_URL: the environment takes precedence'],
  [/^router_settings\.redis_(?:host|port|password|url)$|^litellm_settings\.redis_url$/, 'REDIS_URL, or litellm_settings.cache_params of type redis'],
  [/^litellm_settings\.max_parallel_requests$/, 'general_settings.global_max_parallel_requests'],
  [/^general_settings\.(?:request_timeout|num_retries|fallbacks|max_budget|budget_duration)$/, 'The same key in litellm_settings'],
  [/\.(?:log_level|log_verbose|json_logs)$/, 'litellm_settings.json_logs, or general_settings.decision_log'],
  [/\.(?:enable_cors|cors_allow_origins|cors_origins|allowed_origins)$/, 'general_settings.cors_allowed_origins, for admin routes'],
  [/\.(?:enable_pre_call_checks|default_litellm_params|default_params|ssl_verify|overwrite_user_with_key_hash|enable_cooldowns|enable_load_balancing)$/, 'Remove it'],
  [/\.(?:enable_sso|sso_providers|disable_ui_access_for_basic_auth|litellm_proxy_admin_email_list)$/, 'general_settings.enable_jwt_auth and litellm_jwtauth, for tokens of an issuer'],
  [/^(?:model_list\[.*(?:cost|price))/, 'A price of docs/configuration.md; nothing is billed by this one'],
]; // prettier-ignore

/** Returns what to write instead of a setting without effect. Undefined: nothing. */
export const adviceFor = (path: string): string | undefined =>
  ADVICE.find(([paths]) => paths.test(path))?.[1];

/** Ways to providers that are not served, by their names. */
const INSTEAD_OF_PROVIDER: Readonly<Record<string, string>> = {
  sagemaker: 'litellm_proxy/<name> with the api_base of a LiteLLM that serves it, until it is served here',
  watsonx: 'litellm_proxy/<name> with the api_base of a LiteLLM that serves it, until it is served here',
};

/** Returns how else to reach a provider's models. Undefined: not known. */
export const adviceForProvider = (provider: string): string | undefined => INSTEAD_OF_PROVIDER[provider];
