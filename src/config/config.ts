/** Everything the process was told at its start: environment and file, validated, frozen, in our words. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly dataFolder: string;
  /** Absent: an SQLite file in the data folder. */
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
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
  /** `model_list[]` */
  readonly models: readonly ModelConfig[];
  readonly general: GeneralSettings;
  readonly litellm: LitellmSettings;
  readonly router: RouterSettings;
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

/** Where to post what budgets come near their end. */
export interface AlertSettings {
  /** `alert_webhook_url` */
  readonly url: string;
  /** `alert_webhook_secret`: signs every post; never empty. */
  readonly secret: string;
  /** `alert_thresholds`: percent of a limit. Default 50, 80, 95, 100. */
  readonly thresholds: readonly number[];
}

/** `general_settings` */
export interface GeneralSettings {
  readonly enforceUserParam: boolean;
  readonly enforcedParams: readonly string[];
  /** Status of an exhausted budget: 429, 400 or 402. */
  readonly budgetExceededStatus: 400 | 402 | 429;
  /** `skip_user_budget_on_team_key: true`, or LiteLLM's opposite `apply_user_budget_to_team_keys: false`. */
  readonly skipUserBudgetOnTeamKey: boolean;
  readonly maxRequestSizeMb: number;
  readonly decisionLog: 'refusals' | 'all' | 'off';
  /** `user_header_name` and `user_header_mappings`: further headers that may name the end user. */
  readonly endUserHeaders: readonly string[];
  /** What a call that died with its process is billed: its bound, its input part, or nothing. */
  readonly abandonedHolds: 'bound' | 'input' | 'release';
  /** `on_disconnect`: abort the upstream and bill what was delivered, or read it to the end and bill the truth. */
  readonly onDisconnect: 'abort' | 'drain';
  /** `budget_clamp`: a call that does not fit as a whole may be forwarded with a lower output limit. Default true. */
  readonly budgetClamp: boolean;
  /** `min_output_tokens`: clamped to fewer, a call is refused instead (unless it asked for fewer itself). Default 256. */
  readonly minOutputTokens: number;
  /** `default_hold_tokens`: as many output tokens one call may hold beside others, however little is left. Default 4096. */
  readonly defaultHoldTokens: number;
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

/** `router_settings` */
export interface RouterSettings {
  /** `model_group_alias` */
  readonly modelAliases: Readonly<Record<string, string>>;
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
  readonly numRetries?: number;
  readonly timeoutMs?: number;
}

export const CONFIG = Symbol('Config');
