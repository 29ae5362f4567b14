import type { BudgetExceededStatus, StatusesByProduct } from '../policy/budget-exceeded-status.js';
import type { CostDiscounts, CostMargins } from './cost-terms.js';
import type { RouteList } from '../policy/routes.js';
import type { ProviderVariables } from './providers.js';

/** The configuration of the process, from environment and file: validated, frozen, with the gateway's own names. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** `SERVER_ROOT_PATH`: prefix of every path that a proxy leaves on, such as `/llm`. Empty: none. */
  readonly rootPath: string;
  readonly dataFolder: string;
  /** Absent: an SQLite file in the data folder. */
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  /** `cache_params.namespace`: prefix of every name in Redis. Absent: none. */
  readonly redisNamespace?: string;
  /** The master key in clear text. It is compared by digest only. */
  readonly masterKey: string;
  /** Given by environment or file, stored in the data folder by an earlier start, or new: then it is printed once. */
  readonly masterKeyOrigin: 'environment' | 'file' | 'new';
  /** Encrypts provider keys at rest (`TOLLGATE_SALT_KEY` | `LITELLM_SALT_KEY` | a generated file). */
  readonly saltKey: string;
  /** Absent: no file was found, and the built-in demo is served. */
  readonly configFile?: string;
  /** Keys of the file that have no effect here. The start names them in one warning. */
  readonly ignoredKeys: readonly string[];
  /** Settings that work, with a consequence that the operator must know. The start prints each. */
  readonly warnings: readonly string[];
  /** `tollgate_settings.start_without`: settings that restrict in LiteLLM, and that the operator does without. */
  readonly startWithout: readonly string[];
  /** `JSON_LOGS` or `litellm_settings.json_logs`: every log line is one JSON object. */
  readonly jsonLogs: boolean;
  /** `LITELLM_MODEL_COST_MAP_URL`: a file or an address with prices in LiteLLM's format. Absent: none is read. */
  readonly costMapUrl?: string;
  /** Absent: no request is traced. */
  readonly tracing?: TracingSettings;
  /** `model_list[]`: the deployments that can be called. */
  readonly models: readonly ModelConfig[];
  /** The others, each with its problems. The start names them. */
  readonly leftOutModels: readonly LeftOutModel[];
  /** Values of the providers' own environment variables, such as `GROQ_API_KEY`, by name. */
  readonly providerVariables: ProviderVariables;
  readonly general: GeneralSettings;
  readonly litellm: LitellmSettings;
  readonly router: RouterSettings;
  /** Absent: tokens are not accepted. */
  readonly jwt?: JwtSettings;
}

/** One deployment: a public name and how to reach it. LiteLLM `model_list[]`. */
export interface ModelConfig {
  readonly modelName: string;
  readonly litellmParams: LitellmParams;
  readonly modelInfo: ModelInfo;
}

/** A deployment of the file that cannot be called. */
export interface LeftOutModel {
  /** `model_list[3]` */
  readonly at: string;
  readonly modelName?: string;
  readonly problems: readonly string[];
}

/** LiteLLM `litellm_params`; wire names. Others are sent with every call, unless LiteLLM keeps them for the gateway. */
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
  /** Responds with this text and calls no upstream. */
  readonly mock_response?: string;
  /** Sent with every call, whatever the client names. */
  readonly extra_body?: Readonly<Record<string, unknown>>;
  /** Leaves out members that the model does not support. */
  readonly drop_params?: boolean;
  /** Members to leave out of every call. */
  readonly additional_drop_params?: readonly string[];
  /** Weight among the deployments of one name; default 1. */
  readonly weight?: number;
  /** The model whose price and sizes count. Also in `model_info`, which comes first. */
  readonly base_model?: string;
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

/** Settings of tracing. OpenTelemetry's own environment variables have the others. */
export interface TracingSettings {
  readonly protocol: 'http/protobuf' | 'http/json';
}

/** The webhook that is called when a budget comes near its end. */
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
  /**
   * `spend_logs_retention`, LiteLLM `maximum_spend_logs_retention_period`: how long single entries are stored; at least a
   * day.
   */
  readonly keptMs: number;
  /**
   * `spend_logs_retention_interval`, LiteLLM `maximum_spend_logs_retention_interval`: how often entries are folded.
   * Default: a day.
   */
  readonly everyMs: number;
}

/** `general_settings` */
export interface GeneralSettings {
  /** `allowed_ips`: the only addresses that may call. Absent: any. */
  readonly allowedIps?: readonly string[];
  /** `allowed_routes`: the only routes that a caller may call. Absent: all. */
  readonly allowedRoutes?: RouteList;
  /** `admin_only_routes`: routes that only proxy admins may call. */
  readonly adminOnlyRoutes?: RouteList;
  readonly enforceUserParam: boolean;
  readonly enforcedParams: readonly string[];
  /** Status of a budget's permanent refusal: 429, 400 or 402. */
  readonly budgetExceededStatus: BudgetExceededStatus;
  /**
   * `budget_status_by_user_agent`, beside the statuses of known coding agents unless
   * `coding_agent_budget_status: false`.
   */
  readonly statusesByUserAgent: StatusesByProduct;
  /** `skip_user_budget_on_team_key: true`, or LiteLLM's opposite `apply_user_budget_to_team_keys: false`. */
  readonly skipUserBudgetOnTeamKey: boolean;
  /** `user_models_on_team_keys`: a user's list of models also applies to keys of a team. */
  readonly userModelsOnTeamKeys: boolean;
  readonly maxRequestSizeMb: number;
  /** `max_request_bytes_in_flight`: the most bytes of all bodies that are received or used at the same time. */
  readonly maxRequestBytesInFlight: number;
  readonly decisionLog: 'refusals' | 'all' | 'off';
  /** `cors_allowed_origins`: origins of the pages that may call admin routes from a browser. Default: none. */
  readonly corsAllowedOrigins: readonly string[];
  /** `user_header_name` and `user_header_mappings`: further headers that may name the end user. */
  readonly endUserHeaders: readonly string[];
  /** `reject_clientside_metadata_tags`: only keys and teams have tags; a request that names tags is refused. */
  readonly rejectClientsideTags: boolean;
  /** The cost of a call that died with its process: its bound, its input part, or nothing. */
  readonly abandonedHolds: 'bound' | 'input' | 'release';
  /** `on_disconnect`: abort the upstream and bill what was delivered, or read the response to its end and bill the truth. */
  readonly onDisconnect: 'abort' | 'drain';
  /** `budget_clamp`: a call that does not fit whole may be forwarded with a lower output limit. Default true. */
  readonly budgetClamp: boolean;
  /** `min_output_tokens`: a call clamped to fewer is refused (unless it asked for fewer itself). Default 256. */
  readonly minOutputTokens: number;
  /** `default_output_tokens`: the longest response of a model whose maximum and context are both unknown. Default 4096. */
  readonly defaultOutputTokens: number;
  /** `min_clamp_share`: a call with tools is cut to no less than this share of the output limit it names. Default 0.25. */
  readonly minClampShare: number;
  /** `max_tool_calls_under_budget`: searches of a tool for which the client names no limit, where a budget applies. */
  readonly maxToolCallsUnderBudget: number;
  /** `default_hold_tokens`: output tokens that one call may hold beside others, however little is left. Default 4096. */
  readonly defaultHoldTokens: number;
  /**
   * `max_new_names_per_key_per_day`: the most end users and tags whose rows the calls of one key create in a day. Default
   * 1000.
   */
  readonly maxNewNamesPerDay: number;
  /** `rate_limit_span_ms`: the length of "per minute", for tests. Default 60000. */
  readonly rateLimitSpanMs: number;
  /** `budget_wait_ms`: how long a call waits for other calls' holds to end. Default 2000; 0: not at all. */
  readonly budgetWaitMs: number;
  /** `replica_timeout_ms`: a replica that was not seen for this long is dead. Default 15000. */
  readonly replicaTimeoutMs: number;
  /** How long a response waits for the commit of its settlement. */
  readonly settleTimeoutMs: number;
  /** `price_refresh_hours`: how often the price table is fetched again. Absent: the installed table is used. */
  readonly priceRefreshMs?: number;
  /** `price_refresh_url`: address of the price table. Absent: the library's own. */
  readonly priceRefreshUrl?: string;
  readonly alerts?: AlertSettings;
  /** `audit_logs_retention`: how long entries of the audit log are stored. Absent: without end. */
  readonly auditRetentionMs?: number;
  /** Absent: the ledger stores every entry. */
  readonly retention?: RetentionSettings;
  /** `global_max_parallel_requests`: the most calls this process has under way. Default: no limit. */
  readonly maxParallelCalls: number;
  /** `max_client_retries`: the most retries that a client may ask for, unless more are configured. Default 3. */
  readonly maxClientRetries: number;
  /** `max_upstream_connections`: the most calls under way to one provider's host. Default 4096. */
  readonly maxUpstreamConnections: number;
  /** `upstream_queue_ms`: how long a call waits for a connection. Default 5000; 0: not at all. */
  readonly upstreamQueueMs: number;
  /** `drain_seconds`: how long everything is served after SIGTERM while readiness answers 503. Default 5 s. */
  readonly drainMs: number;
  /** `keepalive_seconds`, or `KEEPALIVE_TIMEOUT`: how long an idle connection of a client stays open. Default 620 s. */
  readonly keepaliveTimeoutMs: number;
  /** `max_event_loop_delay_ms`: the event loop delay beyond which calls are refused. Default 1000; 0: no limit. */
  readonly maxEventLoopDelayMs: number;
  /**
   * `trusted_proxies`: addresses and ranges of proxies whose `X-Forwarded-For` counts. With LiteLLM's
   * `use_x_forwarded_for` alone, loopback and private addresses. Default: none.
   */
  readonly trustedProxies: readonly string[];
  /** `store_client_address`: the ledger, the audit log and the log store the client's address. Default true. */
  readonly storeClientAddress: boolean;
  /** `fsync: true`: commits survive power loss, not only the death of the process. */
  readonly fsync: boolean;
}

/** `litellm_settings` */
export interface LitellmSettings {
  /** Global budget in USD; absent or 0: none (LiteLLM's `max_budget > 0`). */
  readonly maxBudgetUsd?: number;
  readonly budgetDuration?: string;
  /** IANA name. Windows of days and longer open at midnight there. Default UTC. */
  readonly timezone: string;
  readonly modelAliases: Readonly<Record<string, string>>;
  /** `[{"a": ["b"]}]`, flattened: a name to its fallbacks in order. */
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
  /** `default_internal_user_params`, `max_internal_user_budget`, `internal_user_budget_duration`; wire names. */
  readonly newUsers: NewUserDefaults;
  /** `default_key_generate_params`; wire names. */
  readonly newKeys: NewKeyDefaults;
  /** `upperbound_key_generate_params`: no key gets more; wire names. */
  readonly keyBounds: KeyBounds;
  /** `require_auth_for_metrics_endpoint: false`: `/metrics` responds without a credential. */
  readonly openMetrics: boolean;
  /** `default_fallbacks`: for every model that has none of its own. */
  readonly defaultFallbacks: readonly string[];
  readonly requestTimeoutMs: number;
  readonly numRetries: number;
  /** `drop_params`: leaves out of every chat what its model does not support. */
  readonly dropParams: boolean;
  /** `cost_discount_config` */
  readonly costDiscounts: CostDiscounts;
  /** `cost_margin_config` */
  readonly costMargins: CostMargins;
  /** A tier for end users that have none of their own. */
  readonly maxEndUserBudgetId?: string;
  /** `max_end_user_budget`: the budget of an end user who has none of its own and none of a tier, in USD. */
  readonly maxEndUserBudgetUsd?: number;
  /** `validate_end_user_id_in_db`: an end user that no row names is left out, unless a budget applies to every end user. */
  readonly validatesEndUsers: boolean;
  /** `default_team_params`, and the `max_budget` of `default_team_settings`; wire names. */
  readonly newTeams: NewTeamDefaults;
}

/** Values that a new user gets. Amounts in USD. */
export interface NewUserDefaults {
  /** Teams that every user may join. */
  readonly available_teams?: readonly string[];
  readonly user_role?: string;
  readonly models?: readonly string[];
  readonly max_budget?: number;
  readonly budget_duration?: string;
  readonly tpm_limit?: number;
  readonly rpm_limit?: number;
}

/** Values that a new team gets. Amounts in USD. */
export interface NewTeamDefaults {
  readonly max_budget?: number;
  readonly budget_duration?: string;
  readonly tpm_limit?: number;
  readonly rpm_limit?: number;
  readonly team_member_permissions?: string[];
}

/** The most a key may get. Amounts in USD. */
export interface KeyBounds {
  readonly max_budget?: number;
  readonly budget_duration?: string;
  readonly duration?: string;
  readonly tpm_limit?: number;
  readonly rpm_limit?: number;
  readonly max_parallel_requests?: number;
}

/** Values that a new key gets. */
export interface NewKeyDefaults extends KeyBounds {
  readonly models?: string[];
  readonly team_id?: string;
}

/** `router_settings` */
export interface RouterSettings {
  /** `model_group_alias` */
  readonly modelAliases: Readonly<Record<string, string>>;
  /** Aliases with `hidden`: they can be called and are not listed. */
  readonly hiddenAliases: readonly string[];
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
  readonly numRetries?: number;
  readonly timeoutMs?: number;
}

/** `general_settings.litellm_jwtauth` and `role_permissions`. */
export interface JwtSettings {
  readonly issuers: readonly TrustedIssuer[];
  /** `public_key_ttl`: how long an issuer's keys are used before they are fetched again. Default 600 s. */
  readonly keysTtlMs: number;
  /** `public_key_stale_ttl`: how much longer if the issuer does not respond. Default 3600 s. */
  readonly keysStaleTtlMs: number;
  /** `leeway`: the difference between clocks that is tolerated. Default 0. */
  readonly leewayMs: number;
  /** `admin_jwt_scope` of the only issuer; absent: no scope makes an admin. With several issuers, each has its own. */
  readonly adminScope?: string;
  readonly adminAllowedRoutes: readonly string[];
  /** Absent: what the role `team` may call anyway. */
  readonly teamAllowedRoutes?: readonly string[];
  readonly teamIdDefault?: string;
  readonly userAllowedEmailDomain?: string;
  readonly userAllowedRoles: readonly string[];
  readonly userIdUpsert: boolean;
  readonly teamIdUpsert: boolean;
  /** `upsert_sso_user_to_team`: a user whose token names a team joins it. */
  readonly upsertUserToTeam: boolean;
  readonly enforceRbac: boolean;
  /** `enforce_team_based_model_access`: a token without a team is refused. */
  readonly enforceTeam: boolean;
  /** Mappings of the only issuer. With several issuers, each has its own. */
  readonly roleMappings: readonly RoleMapping[];
  readonly rolePermissions: readonly RolePermission[];
  /** Absent: scopes neither allow nor deny models. */
  readonly scopeMappings?: readonly {
    readonly scope: string;
    readonly models: readonly string[];
    readonly routes?: readonly string[];
  }[];
}

/** `role_mappings[]`: a role of the issuer, and the role it has here. */
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

/** An issuer whose tokens are accepted. */
export interface TrustedIssuer {
  /** Absent: any issuer, because `disable_issuer_validation` says so. */
  readonly issuer?: string;
  /** Key sets, or discovery documents that name one. Empty: discovered at the issuer. */
  readonly keyUrls: readonly string[];
  /** Absent: any audience, because `disable_audience_validation` says so. */
  readonly audiences?: readonly string[];
  readonly claims: JwtClaims;
  /** `admin_jwt_scope`, if several issuers are trusted. */
  readonly adminScope?: string;
  /** `role_mappings`, if several issuers are trusted. */
  readonly roleMappings?: readonly RoleMapping[];
  /** `user_id_prefix`: prefix of the ids of its users here. */
  readonly userIdPrefix?: string;
}

/** Dotted paths of the claims that identify the caller. */
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
