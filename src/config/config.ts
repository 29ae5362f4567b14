/** Everything the process was told at its start: environment and file, validated, frozen, in our words. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly dataFolder: string;
  /** Absent: an SQLite file in the data folder. */
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  /** `cache_params.namespace`: what every name in Redis begins with. Absent: nothing. */
  readonly redisNamespace?: string;
  /** The master key, clear. Compared by digest only. */
  readonly masterKey: string;
  /** Given by environment or file, kept in the data folder by an earlier start, or new: then it is printed, once. */
  readonly masterKeyOrigin: 'given' | 'kept' | 'new';
  /** Encrypts provider keys at rest (`TOLLGATE_SALT_KEY` | `LITELLM_SALT_KEY` | a generated file). */
  readonly saltKey: string;
  /** Absent: no file was found and the built-in demo is served. */
  readonly configFile?: string;
  /** Known to LiteLLM or not at all, but without effect here: told in one warning at start. */
  readonly ignoredKeys: readonly string[];
  /** `JSON_LOGS` or `litellm_settings.json_logs`: every line that is logged is one JSON object. */
  readonly jsonLogs: boolean;
  /** Absent: nothing is traced. */
  readonly tracing?: TracingSettings;
  /** `model_list[]` */
  readonly models: readonly ModelConfig[];
  readonly general: GeneralSettings;
  readonly litellm: LitellmSettings;
  readonly router: RouterSettings;
  /** Absent: tokens are not accepted. */
  readonly jwt?: JwtSettings;
}

/** One deployment: a public name and how it is reached. LiteLLM `model_list[]`. */
export interface ModelConfig {
  readonly modelName: string;
  readonly litellmParams: LitellmParams;
  readonly modelInfo: ModelInfo;
}

/** LiteLLM `litellm_params`; wire names. Unknown members are kept and never sent to a client. */
export interface LitellmParams {
  /** `<provider>/<name>`; a bare name is OpenAI's. */
  readonly model: string;
  readonly api_base?: string;
  readonly api_key?: string;
  readonly api_version?: string;
  readonly organization?: string;
  readonly extra_headers?: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly timeout?: number;
  readonly max_retries?: number;
  /** Answer with this text and call nobody. */
  readonly mock_response?: string;
  /** Weight among the deployments of one name; default 1. */
  readonly weight?: number;
  readonly [other: string]: unknown;
}

/** LiteLLM `model_info`; wire names. Prices are USD per token. */
export interface ModelInfo {
  readonly id?: string;
  readonly mode?: string;
  readonly base_model?: string;
  readonly access_groups?: readonly string[];
  readonly max_tokens?: number;
  readonly max_input_tokens?: number;
  readonly max_output_tokens?: number;
  readonly input_cost_per_token?: number;
  readonly output_cost_per_token?: number;
  readonly [other: string]: unknown;
}

/** That requests are traced, by OpenTelemetry's own environment variables. */
export interface TracingSettings {
  readonly protocol: 'http/protobuf' | 'http/json';
}

/** Where to post what budgets come near their end. */
export interface AlertSettings {
  /** `alert_webhook_url` */
  readonly url: string;
  /** `alert_webhook_secret`: signs every post; never empty. */
  readonly secret: string;
  /** `alert_thresholds`: percent of a limit. Default 50, 80, 95, 100. */
  readonly thresholds: readonly number[];
}

/** When entries of the ledger are folded into sums per day. */
export interface RetentionSettings {
  /** `spend_logs_retention`, LiteLLM `maximum_spend_logs_retention_period`: how long they are kept one by one; a day at least. */
  readonly keptMs: number;
  /** `spend_logs_retention_interval`, LiteLLM `maximum_spend_logs_retention_interval`: how often that is looked after. Default: a day. */
  readonly everyMs: number;
}

/** `general_settings` */
export interface GeneralSettings {
  readonly enforceUserParam: boolean;
  readonly enforcedParams: readonly string[];
  /** Status of an exhausted budget: 429, 400 or 402. */
  readonly budgetExceededStatus: 400 | 402 | 429;
  /** `skip_user_budget_on_team_key: true`, or LiteLLM's opposite `apply_user_budget_to_team_keys: false`. */
  readonly skipUserBudgetOnTeamKey: boolean;
  /** `user_models_on_team_keys`: a user's list of models counts on keys of a team too. */
  readonly userModelsOnTeamKeys: boolean;
  readonly maxRequestSizeMb: number;
  /** `max_request_bytes_in_flight`: of all bodies that are received or used at the same time. */
  readonly maxRequestBytesInFlight: number;
  readonly decisionLog: 'refusals' | 'all' | 'off';
  /** `user_header_name` and `user_header_mappings`: further headers that may name the end user. */
  readonly endUserHeaders: readonly string[];
  /** `reject_clientside_metadata_tags`: only keys and teams have tags; a request that names some is refused. */
  readonly rejectClientsideTags: boolean;
  /** What a call that died with its process is billed: its bound, its input part, or nothing. */
  readonly abandonedHolds: 'bound' | 'input' | 'release';
  /** `on_disconnect`: abort the upstream and bill what was delivered, or read it to the end and bill the truth. */
  readonly onDisconnect: 'abort' | 'drain';
  /** `budget_clamp`: a call that does not fit as a whole may be forwarded with a lower output limit. Default true. */
  readonly budgetClamp: boolean;
  /** `min_output_tokens`: clamped to fewer, a call is refused instead (unless it asked for fewer itself). Default 256. */
  readonly minOutputTokens: number;
  /** `default_output_tokens`: the longest answer of a model of which neither its maximum nor its context is known. Default 4096. */
  readonly defaultOutputTokens: number;
  /** `min_clamp_share`: a call with tools is cut to no less than this part of the output limit it names. Default 0.25. */
  readonly minClampShare: number;
  /** `default_hold_tokens`: as many output tokens one call may hold beside others, however little is left. Default 4096. */
  readonly defaultHoldTokens: number;
  /** `max_new_names_per_key_per_day`: as many end users and tags without a row get one by the calls of one key. Default 1000. */
  readonly maxNewNamesPerDay: number;
  /** `rate_limit_span_ms`: what "per minute" means; for tests. Default 60000. */
  readonly rateLimitSpanMs: number;
  /** `budget_wait_ms`: how long a call waits for others' holds to end. Default 2000; 0: not at all. */
  readonly budgetWaitMs: number;
  /** `replica_timeout_ms`: a process that shares the database and was not seen for so long is dead. Default 15000. */
  readonly replicaTimeoutMs: number;
  /** How long an answer waits for its settlement to be committed. */
  readonly settleTimeoutMs: number;
  /** `price_refresh_hours`: how often the table of known prices is fetched anew. Absent: the one that was installed is used. */
  readonly priceRefreshMs?: number;
  /** `price_refresh_url`: where from. Absent: where the library keeps its own. */
  readonly priceRefreshUrl?: string;
  readonly alerts?: AlertSettings;
  /** `audit_logs_retention`: how long entries of the audit log are kept. Absent: for ever. */
  readonly auditRetentionMs?: number;
  /** Absent: the ledger keeps every entry. */
  readonly retention?: RetentionSettings;
  /** `global_max_parallel_requests`: as many calls this process has under way at most. Default: any number. */
  readonly maxParallelCalls: number;
  /** `max_upstream_connections`: as many calls are under way to one provider's host at most. Default 4096. */
  readonly maxUpstreamConnections: number;
  /** `upstream_queue_ms`: how long a call waits for one of them. Default 5000; 0: not at all. */
  readonly upstreamQueueMs: number;
  /** `max_event_loop_delay_ms`: how late the event loop may be before calls are refused. Default 1000; 0: any. */
  readonly maxEventLoopDelayMs: number;
  /** `fsync: true`: commits survive power loss, not only the death of the process. */
  readonly fsync: boolean;
}

/** `litellm_settings` */
export interface LitellmSettings {
  /** Global budget in USD; absent or 0: none (LiteLLM's `max_budget > 0`). */
  readonly maxBudgetUsd?: number;
  readonly budgetDuration?: string;
  /** IANA name; windows of days and longer open at its midnights. Default UTC. */
  readonly timezone: string;
  readonly modelAliases: Readonly<Record<string, string>>;
  /** `[{"a": ["b"]}]`, flattened: name to its fallbacks in order. */
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
  /** `default_internal_user_params`, `max_internal_user_budget`, `internal_user_budget_duration`; wire names. */
  readonly newUsers: NewUserDefaults;
  /** `default_key_generate_params`; wire names. */
  readonly newKeys: NewKeyDefaults;
  /** `upperbound_key_generate_params`: no key is given more; wire names. */
  readonly keyBounds: KeyBounds;
  /** `require_auth_for_metrics_endpoint: false`: `/metrics` answers a stranger. */
  readonly openMetrics: boolean;
  /** `default_fallbacks`: for every model that has none of its own. */
  readonly defaultFallbacks: readonly string[];
  readonly requestTimeoutMs: number;
  readonly numRetries: number;
  /** A tier for end users that have none of their own. */
  readonly maxEndUserBudgetId?: string;
}

/** What users are given when they are made. Amounts in USD. */
export interface NewUserDefaults {
  /** Teams every user may join by itself. */
  readonly available_teams?: readonly string[];
  readonly user_role?: string;
  readonly models?: readonly string[];
  readonly max_budget?: number;
  readonly budget_duration?: string;
  readonly tpm_limit?: number;
  readonly rpm_limit?: number;
}

/** The most a key is given. Amounts in USD. */
export interface KeyBounds {
  readonly max_budget?: number;
  readonly budget_duration?: string;
  readonly duration?: string;
  readonly tpm_limit?: number;
  readonly rpm_limit?: number;
  readonly max_parallel_requests?: number;
}

/** What keys are given when they are made. */
export interface NewKeyDefaults extends KeyBounds {
  readonly models?: string[];
  readonly team_id?: string;
}

/** `router_settings` */
export interface RouterSettings {
  /** `model_group_alias` */
  readonly modelAliases: Readonly<Record<string, string>>;
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
  readonly numRetries?: number;
  readonly timeoutMs?: number;
}

/** `general_settings.litellm_jwtauth` and `role_permissions`. */
export interface JwtSettings {
  readonly issuers: readonly TrustedIssuer[];
  /** `public_key_ttl`: how long an issuer's keys are used before they are fetched again. Default 600 s. */
  readonly keysTtlMs: number;
  /** `public_key_stale_ttl`: how much longer when the issuer does not answer. Default 3600 s. */
  readonly keysStaleTtlMs: number;
  /** `leeway`: by how much clocks may differ. Default 0. */
  readonly leewayMs: number;
  /** `admin_jwt_scope` of the only issuer; absent: no scope makes an administrator. Of several issuers each has its own. */
  readonly adminScope?: string;
  readonly adminAllowedRoutes: readonly string[];
  /** Absent: what the role `team` may use anyway. */
  readonly teamAllowedRoutes?: readonly string[];
  readonly teamIdDefault?: string;
  readonly userAllowedEmailDomain?: string;
  readonly userAllowedRoles: readonly string[];
  readonly userIdUpsert: boolean;
  readonly teamIdUpsert: boolean;
  /** `upsert_sso_user_to_team`: who comes with a team joins it. */
  readonly upsertUserToTeam: boolean;
  readonly enforceRbac: boolean;
  /** `enforce_team_based_model_access`: a token without a team is refused. */
  readonly enforceTeam: boolean;
  /** Of the only issuer; of several issuers each has its own. */
  readonly roleMappings: readonly RoleMapping[];
  readonly rolePermissions: readonly RolePermission[];
  /** Absent: scopes open no models and close none. */
  readonly scopeMappings?: readonly {
    readonly scope: string;
    readonly models: readonly string[];
    readonly routes?: readonly string[];
  }[];
}

/** `role_mappings[]`: a role of the issuer, and what it is here. */
export interface RoleMapping {
  readonly role: string;
  readonly internalRole: JwtRole;
}

export type JwtRole = 'proxy_admin' | 'team' | 'internal_user';

/** `role_permissions[]`: what callers of this role may call; absent: no limit. */
export interface RolePermission {
  readonly role: JwtRole;
  readonly models?: readonly string[];
  readonly routes?: readonly string[];
}

/** Somebody whose tokens count. */
export interface TrustedIssuer {
  /** Absent: any, said so by `disable_issuer_validation`. */
  readonly issuer?: string;
  /** Key sets, or discovery documents that name one. Empty: discovered at the issuer. */
  readonly keyUrls: readonly string[];
  /** Absent: any, said so by `disable_audience_validation`. */
  readonly audiences?: readonly string[];
  readonly claims: JwtClaims;
  /** `admin_jwt_scope`, where several issuers are trusted. */
  readonly adminScope?: string;
  /** `role_mappings`, where several issuers are trusted. */
  readonly roleMappings?: readonly RoleMapping[];
  /** `user_id_prefix`: what the ids of its users begin with here. */
  readonly userIdPrefix?: string;
}

/** Dotted paths of the claims that say who somebody is. */
export interface JwtClaims {
  readonly userId?: string;
  readonly userEmail?: string;
  readonly userRoles?: string;
  readonly teamId?: string;
  readonly teamIds?: string;
  readonly teamAlias?: string;
  readonly organizationId?: string;
  readonly organizationAlias?: string;
  readonly endUserId?: string;
  readonly roles?: string;
  readonly objectId?: string;
}

export const CONFIG = Symbol('Config');
