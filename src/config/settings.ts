import {
  AGENTS_THAT_RETRY_429,
  BUDGET_EXCEEDED_STATUSES,
  type BudgetExceededStatus,
  type StatusesByProduct,
} from '../policy/budget-exceeded-status.js';
import { MEMBER_PERMISSIONS } from '../policy/admin-rules.js';
import { USER_ROLES } from '../policy/principal.js';
import { parseDuration, secondsIn } from '../calendar/windows.js';
import { nanoUsdFromUsd } from '../policy/money.js';
import type {
  AlertSettings,
  GeneralSettings,
  KeyBounds,
  LitellmSettings,
  NewKeyDefaults,
  NewTeamDefaults,
  NewUserDefaults,
  RetentionSettings,
  RouterSettings,
} from './config.js';
import { isAddressRange } from '../platform/address-list.js';
import { compileClosedRoutes, compileRouteList } from '../policy/routes.js';
import { isPlainHttpUrl, PLAIN_HTTP_URL } from './address.js';
import { readDiscounts, readMargins, type TermsFault } from './cost-terms.js';
import { routeEntries } from './route-entries.js';
import { isMapping, MAX_TIMER_MS, type Section, type SectionText } from './section.js';

const DEFAULT_REQUEST_MS = 600_000;
const MAX_RETRIES = 100;
/** The most connections from one address to another. */
const MAX_CONNECTIONS = 65_535;
const MAX_TOKENS = 1_000_000_000;
const MAX_TOOL_CALLS = 1_000;
const MAX_RATE = 2_147_483_647;
const MS_PER_SECOND = 1_000;
const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 86_400_000;
const BYTES_PER_MB = 1024 * 1024;

/** Reads `general_settings`, except the master key and the database, which the environment may name too. */
export function readGeneralSettings(section: Section, keepalive?: SectionText): GeneralSettings {
  const priceRefreshMs = section.milliseconds('price_refresh_hours', MS_PER_HOUR);
  const priceRefreshUrl = section.text('price_refresh_url');
  if (priceRefreshUrl !== undefined && !isPlainHttpUrl(priceRefreshUrl))
    section.problem('price_refresh_url', PLAIN_HTTP_URL);
  const maxToolCalls = section.wholeNumber('max_tool_calls_under_budget', MAX_TOOL_CALLS);
  if (maxToolCalls === 0) section.problem('max_tool_calls_under_budget', 'must be 1 or more');
  const alertSettings = alerts(section);
  const auditRetention = duration(section, 'audit_logs_retention');
  const retentionSettings = retention(section);
  return {
    enforceUserParam: section.flag('enforce_user_param') ?? false,
    enforcedParams: section.texts('enforced_params') ?? [],
    budgetExceededStatus: section.oneOf('budget_exceeded_status', BUDGET_EXCEEDED_STATUSES) ?? 429,
    statusesByUserAgent: statusesByUserAgent(section),
    skipUserBudgetOnTeamKey: skipUserBudget(section),
    userModelsOnTeamKeys: section.flag('user_models_on_team_keys') ?? true,
    maxRequestSizeMb: maxRequestSize(section),
    maxRequestBytesInFlight: maxRequestBytesInFlight(section),
    decisionLog: section.oneOf('decision_log', ['refusals', 'all', 'off'] as const) ?? 'refusals',
    corsAllowedOrigins: corsAllowedOrigins(section),
    endUserHeaders: endUserHeaders(section),
    rejectClientsideTags: section.flag('reject_clientside_metadata_tags') ?? false,
    abandonedHolds: section.oneOf('abandoned_holds', ['bound', 'input', 'release'] as const) ?? 'bound',
    onDisconnect: section.oneOf('on_disconnect', ['abort', 'drain'] as const) ?? 'abort',
    budgetClamp: section.flag('budget_clamp') ?? true,
    minOutputTokens: section.wholeNumber('min_output_tokens', MAX_TOKENS) ?? 256,
    defaultOutputTokens: section.wholeNumber('default_output_tokens', MAX_TOKENS) ?? 4_096,
    maxToolCallsUnderBudget: maxToolCalls ?? 10,
    minClampShare: share(section, 'min_clamp_share') ?? 0.25,
    defaultHoldTokens: section.wholeNumber('default_hold_tokens', MAX_TOKENS) ?? 4_096,
    maxNewNamesPerDay: section.wholeNumber('max_new_names_per_key_per_day') ?? 1_000,
    rateLimitSpanMs: section.milliseconds('rate_limit_span_ms', 1) ?? 60_000,
    budgetWaitMs: section.milliseconds('budget_wait_ms', 1) ?? 2_000,
    replicaTimeoutMs: section.milliseconds('replica_timeout_ms', 1) ?? 15_000,
    settleTimeoutMs: section.milliseconds('settle_timeout_ms', 1) ?? 30_000,
    maxParallelCalls: maxParallelCalls(section),
    maxClientRetries: section.wholeNumber('max_client_retries', MAX_RETRIES) ?? 3,
    maxUpstreamConnections: maxUpstreamConnections(section),
    upstreamQueueMs: section.milliseconds('upstream_queue_ms', 1) ?? 5_000,
    drainMs: section.milliseconds('drain_seconds', 1_000) ?? 5_000,
    keepaliveTimeoutMs: keepaliveTimeout(section, keepalive),
    maxEventLoopDelayMs: section.milliseconds('max_event_loop_delay_ms', 1) ?? 1_000,
    trustedProxies: trustedProxies(section),
    ...allowedCallers(section),
    storeClientAddress: section.flag('store_client_address') ?? true,
    fsync: section.flag('fsync') ?? false,
    ...(alertSettings && { alerts: alertSettings }),
    ...(auditRetention !== undefined && { auditRetentionMs: secondsIn(auditRetention) * MS_PER_SECOND }),
    ...(retentionSettings && { retention: retentionSettings }),
    ...(priceRefreshMs && { priceRefreshMs }),
    ...(priceRefreshUrl !== undefined && { priceRefreshUrl }),
  };
}

const MAX_USER_AGENTS = 100;
/** The leading product of a user agent, without its version. */
const PRODUCT = /^[^\s/](?:[^/\r\n]{0,62}[^\s/])?$/;

/** Reads the statuses of budgets' refusals by user agent. The operator's own count before those of known coding agents. */
function statusesByUserAgent(section: Section): StatusesByProduct {
  const ofAgents = (section.flag('coding_agent_budget_status') ?? true) ? AGENTS_THAT_RETRY_429 : [];
  const own = section.section('budget_status_by_user_agent');
  const products = own.keys();
  if (products.length > MAX_USER_AGENTS)
    section.problem('budget_status_by_user_agent', `must have at most ${MAX_USER_AGENTS} entries`);
  const statuses = new Map<string, BudgetExceededStatus>(ofAgents);
  for (const product of products) {
    const status = own.oneOf(product, BUDGET_EXCEEDED_STATUSES);
    if (!PRODUCT.test(product))
      own.problem(product, 'must be the product that leads a user agent, without its version');
    if (status !== undefined) statuses.set(product.toLowerCase(), status);
  }
  return statuses;
}

const MAX_ALLOWED_IPS = 10_000;

/** Reads who may call at all: addresses, routes, and routes for admins. */
function allowedCallers(
  section: Section,
): Pick<GeneralSettings, 'allowedIps' | 'allowedRoutes' | 'adminOnlyRoutes'> {
  const allowedIps = section.texts('allowed_ips');
  const wrong = allowedIps?.find((range) => !isAddressRange(range));
  if (wrong !== undefined)
    section.problem('allowed_ips', `'${wrong}' is neither an IP address nor a range such as 10.0.0.0/8`);
  if ((allowedIps?.length ?? 0) > MAX_ALLOWED_IPS)
    section.problem('allowed_ips', `must have at most ${MAX_ALLOWED_IPS} entries`);
  const allowedRoutes = routeEntries(section, 'allowed_routes');
  // In LiteLLM an empty list closes every route.
  if (allowedRoutes && !allowedRoutes.length)
    section.problem(
      'allowed_routes',
      'is empty, so that no call would be admitted; leave it out to open all routes',
    );
  const adminOnlyRoutes = routeEntries(section, 'admin_only_routes');
  return {
    ...(allowedRoutes && { allowedRoutes: compileRouteList(allowedRoutes) }),
    ...(allowedIps && { allowedIps }),
    ...(adminOnlyRoutes?.length && { adminOnlyRoutes: compileClosedRoutes(adminOnlyRoutes) }),
  };
}

/** Longer than any common proxy keeps an idle connection (600 s): the gateway must not be the one that closes it. */
const DEFAULT_KEEPALIVE_MS = 620_000;

/** Reads how long idle connections stay open. LiteLLM's variable precedes the file. */
function keepaliveTimeout(section: Section, said: SectionText | undefined): number {
  const inFileMs = section.milliseconds('keepalive_seconds', MS_PER_SECOND);
  if (inFileMs === 0) section.problem('keepalive_seconds', 'must be more than zero');
  if (!said) return inFileMs ?? DEFAULT_KEEPALIVE_MS;
  const ms = Math.round(Number(said.text) * MS_PER_SECOND);
  if (ms > 0 && ms <= MAX_TIMER_MS) return ms;
  section.reportAt(said.at, 'must be a number of seconds, more than zero');
  return DEFAULT_KEEPALIVE_MS;
}

/** Loopback, private and link-local addresses. */
const PRIVATE_ADDRESSES = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];
const MAX_TRUSTED_PROXIES = 1_000;

/** Reads the proxies whose `X-Forwarded-For` counts. LiteLLM's flag alone trusts everybody; here it trusts private addresses. */
function trustedProxies(section: Section): readonly string[] {
  const usesHeader = section.flag('use_x_forwarded_for');
  const ranges = section.texts('trusted_proxies') ?? [];
  const wrong = ranges.find((range) => !isAddressRange(range));
  if (wrong !== undefined)
    section.problem('trusted_proxies', `'${wrong}' is neither an IP address nor a range such as 10.0.0.0/8`);
  if (ranges.length > MAX_TRUSTED_PROXIES)
    section.problem('trusted_proxies', `must have at most ${MAX_TRUSTED_PROXIES} entries`);
  if (usesHeader === false && ranges.length)
    section.problem('use_x_forwarded_for', 'contradicts trusted_proxies');
  if (!usesHeader || ranges.length) return ranges;
  section.warn(
    'use_x_forwarded_for',
    'every loopback and private address is trusted to say where a call comes from; name your proxies in trusted_proxies',
  );
  return PRIVATE_ADDRESSES;
}

/** Reads a share between 0 and 1. */
function share(section: Section, key: string): number | undefined {
  const part = section.number(key);
  if (part !== undefined && part > 1) section.problem(key, 'must be at most 1');
  return part;
}

/** Reads the webhook. It needs both address and secret: anybody could forge an unsigned post. */
function alerts(section: Section): AlertSettings | undefined {
  const url = section.text('alert_webhook_url');
  const secret = section.text('alert_webhook_secret');
  const thresholds = section.raw('alert_thresholds') ?? DEFAULT_THRESHOLDS;
  const isPercent = (one: unknown) => Number.isInteger(one) && (one as number) > 0 && (one as number) <= 100;
  if (!Array.isArray(thresholds) || !thresholds.every(isPercent))
    section.problem('alert_thresholds', 'must be a list of whole numbers from 1 to 100');
  if (url === undefined) {
    if (secret !== undefined)
      section.problem('alert_webhook_url', 'is missing, but there is a secret for it');
    return undefined;
  }
  if (!URL.canParse(url) || !['http:', 'https:'].includes(new URL(url).protocol))
    section.problem('alert_webhook_url', 'must be an http or https address');
  if (!secret) section.problem('alert_webhook_secret', 'must not be empty: every post is signed with it');
  return { url, secret: secret ?? '', thresholds: thresholds as number[] };
}

/** Reads a duration under the gateway's name or LiteLLM's. */
function retention(section: Section): RetentionSettings | undefined {
  const keptMs = eitherDuration(section, 'spend_logs_retention', 'maximum_spend_logs_retention_period');
  const everyMs = eitherDuration(section, 'spend_logs_retention_interval', 'maximum_spend_logs_retention_interval'); // prettier-ignore
  if (keptMs === undefined) {
    if (everyMs !== undefined)
      section.problem('spend_logs_retention', 'is missing, but there is an interval for it');
    return undefined;
  }
  if (keptMs < MS_PER_DAY) section.problem('spend_logs_retention', 'must be a day (1d) or more');
  return { keptMs, everyMs: Math.min(everyMs ?? MS_PER_DAY, MAX_TIMER_MS) };
}

function eitherDuration(section: Section, ours: string, litellms: string): number | undefined {
  const [one, other] = [duration(section, ours), duration(section, litellms)];
  if (one !== undefined && other !== undefined && one !== other)
    section.problem(ours, `contradicts ${litellms}`);
  const text = one ?? other;
  return text === undefined || !parseDuration(text) ? undefined : secondsIn(text) * 1_000;
}

/** Returns the value of a setting of discounts or margins, and the report of its faults. */
const termsAt = (section: Section, name: string) =>
  [
    section.raw(name),
    ({ at, problem }: TermsFault) => section.problem(at ? `${name}.${at}` : name, problem),
  ] as const;

const DEFAULT_THRESHOLDS = [50, 80, 95, 100];

/** Reads `litellm_settings`. */
export function readLitellmSettings(section: Section): LitellmSettings {
  const maxBudgetUsd = usd(section, 'max_budget');
  const budgetDuration = duration(section, 'budget_duration');
  const maxEndUserBudgetId = section.text('max_end_user_budget_id');
  const maxEndUserBudgetUsd = usd(section, 'max_end_user_budget');
  return {
    timezone: timeZone(section),
    modelAliases: section.textMap('model_alias_map') ?? {},
    fallbacks: fallbacks(section),
    newUsers: newUsers(section),
    newTeams: newTeams(section),
    validatesEndUsers: section.flag('validate_end_user_id_in_db') ?? false,
    newKeys: newKeys(section.section('default_key_generate_params')),
    keyBounds: upperBounds(section.section('upperbound_key_generate_params')),
    openMetrics: section.flag('require_auth_for_metrics_endpoint') === false,
    defaultFallbacks: section.texts('default_fallbacks') ?? [],
    requestTimeoutMs: section.milliseconds('request_timeout', 1_000) ?? DEFAULT_REQUEST_MS,
    numRetries: section.wholeNumber('num_retries', MAX_RETRIES) ?? 0,
    dropParams: section.flag('drop_params') ?? false,
    costDiscounts: readDiscounts(...termsAt(section, 'cost_discount_config')),
    costMargins: readMargins(...termsAt(section, 'cost_margin_config')),
    ...(maxBudgetUsd !== undefined && { maxBudgetUsd }),
    ...(budgetDuration !== undefined && { budgetDuration }),
    ...(maxEndUserBudgetId !== undefined && { maxEndUserBudgetId }),
    ...(maxEndUserBudgetUsd !== undefined && { maxEndUserBudgetUsd }),
  };
}

/** Reads the values that a new user gets. */
function newUsers(section: Section): NewUserDefaults {
  const params = section.section('default_internal_user_params');
  const fields = {
    user_role: params.oneOf('user_role', USER_ROLES),
    models: params.texts('models'),
    available_teams: params.texts('available_teams'),
    max_budget: usd(params, 'max_budget') ?? usd(section, 'max_internal_user_budget'),
    budget_duration:
      duration(params, 'budget_duration') ?? duration(section, 'internal_user_budget_duration'),
    tpm_limit: params.wholeNumber('tpm_limit', MAX_RATE),
    rpm_limit: params.wholeNumber('rpm_limit', MAX_RATE),
  };
  params.ignoreTheRest();
  return defined(fields);
}

function memberPermissions(params: Section): string[] | undefined {
  const permissions = params.texts('team_member_permissions');
  const wrong = permissions?.find((one) => !(MEMBER_PERMISSIONS as readonly string[]).includes(one));
  if (wrong !== undefined)
    params.problem('team_member_permissions', `'${wrong}' is none of ${MEMBER_PERMISSIONS.join(', ')}`);
  return permissions;
}

/** Reads the values that a new team gets. `default_team_settings` is LiteLLM's older place for the amount. */
function newTeams(section: Section): NewTeamDefaults {
  const params = section.section('default_team_params');
  const settings = section.entries('default_team_settings')[0];
  const fields = {
    max_budget: usd(params, 'max_budget') ?? (settings && usd(settings, 'max_budget')),
    budget_duration: duration(params, 'budget_duration'),
    tpm_limit: params.wholeNumber('tpm_limit', MAX_RATE),
    rpm_limit: params.wholeNumber('rpm_limit', MAX_RATE),
    team_member_permissions: memberPermissions(params),
  };
  params.ignoreTheRest();
  return defined(fields);
}

function newKeys(params: Section): NewKeyDefaults {
  const others = { models: params.texts('models'), team_id: params.text('team_id') };
  const all = { ...keyBounds(params), ...defined(others) };
  params.ignoreTheRest();
  return all;
}

function upperBounds(params: Section): KeyBounds {
  const bounds = keyBounds(params);
  params.ignoreTheRest();
  return bounds;
}

function keyBounds(params: Section): KeyBounds {
  const fields = {
    max_budget: usd(params, 'max_budget'),
    budget_duration: duration(params, 'budget_duration'),
    duration: duration(params, 'duration'),
    tpm_limit: params.wholeNumber('tpm_limit', MAX_RATE),
    rpm_limit: params.wholeNumber('rpm_limit', MAX_RATE),
    max_parallel_requests: params.wholeNumber('max_parallel_requests', MAX_RATE),
  };
  return defined(fields);
}

const defined = (fields: object) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

function usd(section: Section, key: string): number | undefined {
  const amount = section.number(key);
  if (amount !== undefined && nanoUsdFromUsd(amount) === undefined)
    section.problem(key, 'must be an amount in USD with at most 9 decimals');
  return amount;
}

function duration(section: Section, key: string): string | undefined {
  const text = section.text(key);
  if (text === undefined || parseDuration(text)) return text;
  section.problem(key, 'must be a duration such as 30s, 24h, 7d, 1mo or monthly');
  return undefined;
}

/** Reads `router_settings`. */
export function readRouterSettings(section: Section): RouterSettings {
  const numRetries = section.wholeNumber('num_retries', MAX_RETRIES);
  const timeoutMs = section.milliseconds('timeout', 1_000);
  return {
    ...groupAliases(section),
    fallbacks: fallbacks(section),
    ...(numRetries !== undefined && { numRetries }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

/** Reads two spellings of one switch; LiteLLM's older one is its opposite. */
function skipUserBudget(section: Section): boolean {
  const skip = section.flag('skip_user_budget_on_team_key');
  const apply = section.flag('apply_user_budget_to_team_keys');
  if (skip !== undefined && apply !== undefined && skip === apply) {
    section.problem('skip_user_budget_on_team_key', 'contradicts apply_user_budget_to_team_keys');
  }
  return skip ?? (apply === undefined ? false : !apply);
}

function endUserHeaders(section: Section): string[] {
  const one = section.text('user_header_name');
  const mapped = section.sections('user_header_mappings').flatMap((mapping) => {
    const header = mapping.requiredText('header_name');
    const role = mapping.requiredText('litellm_user_role');
    if (role !== 'customer') mapping.ignore('litellm_user_role');
    mapping.ignoreTheRest();
    return role === 'customer' ? [header] : [];
  });
  return [...mapped, ...(one === undefined ? [] : [one])].map((header) => header.toLowerCase());
}

const MAX_ORIGINS = 100;
/** An origin as browsers send it. Apps have schemes of their own. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^\s/?#@*,\\]+$/;

/** Reads the origins of pages that may call admin routes. Every other page is refused, so `*` is no origin here. */
function corsAllowedOrigins(section: Section): readonly string[] {
  const origins = section.texts('cors_allowed_origins') ?? [];
  for (const origin of origins) {
    if (origin === '*')
      section.problem(
        'cors_allowed_origins',
        "'*' is not accepted: any page could then call admin routes with a key. Name the origins; model routes accept every page anyway",
      );
    else if (!isOrigin(origin))
      section.problem(
        'cors_allowed_origins',
        `'${origin}' is not an origin such as https://admin.example.com`,
      );
  }
  if (origins.length > MAX_ORIGINS)
    section.problem('cors_allowed_origins', `must have at most ${MAX_ORIGINS} entries`);
  return origins;
}

/** Tells whether a browser could send this origin: in small letters, without path, and without the usual port. */
function isOrigin(text: string): boolean {
  if (!ORIGIN.test(text) || !URL.canParse(text)) return false;
  return !/^https?:/.test(text) || new URL(text).origin === text;
}

function maxParallelCalls(section: Section): number {
  const most = section.wholeNumber('global_max_parallel_requests', MAX_RATE);
  if (most === 0) section.problem('global_max_parallel_requests', 'must be more than zero');
  return most ?? Infinity;
}

function maxUpstreamConnections(section: Section): number {
  const most = section.wholeNumber('max_upstream_connections', MAX_CONNECTIONS);
  if (most === 0) section.problem('max_upstream_connections', 'must be more than zero');
  return most ?? 4_096;
}

/** Rounds to whole bytes, the unit in which a server counts. */
function maxRequestSize(section: Section): number {
  const bytes = Math.round((section.number('max_request_size_mb') ?? 50) * BYTES_PER_MB);
  if (bytes === 0) section.problem('max_request_size_mb', 'must be more than zero');
  return bytes / BYTES_PER_MB;
}

function maxRequestBytesInFlight(section: Section): number {
  const bytes = section.wholeNumber('max_request_bytes_in_flight') ?? 256 * BYTES_PER_MB;
  if (bytes === 0) section.problem('max_request_bytes_in_flight', 'must be more than zero');
  return bytes;
}

function timeZone(section: Section): string {
  const zone = section.text('timezone') ?? 'UTC';
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone;
  } catch {
    section.problem('timezone', `'${zone}' is not a time zone such as Europe/Berlin`);
    return 'UTC';
  }
}

/** Flattens `[{"a": ["b"]}, …]` into one mapping. The first entry of a name counts, as in LiteLLM. */
function fallbacks(section: Section): Record<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const entry of section.sections('fallbacks')) {
    for (const name of entry.keys()) {
      const names = entry.texts(name) ?? [];
      if (byName.has(name)) entry.ignore(name);
      else byName.set(name, names);
    }
  }
  return Object.fromEntries(byName);
}

/** Reads `{alias: name}` or `{alias: {model: name, hidden}}`. */
function groupAliases(section: Section): Pick<RouterSettings, 'modelAliases' | 'hiddenAliases'> {
  const aliases = section.section('model_group_alias');
  const targets = aliases.keys().map((alias) => [alias, aliasTarget(aliases, alias)] as const);
  return {
    modelAliases: Object.fromEntries(targets.map(([alias, { name }]) => [alias, name])),
    hiddenAliases: targets.flatMap(([alias, { isHidden }]) => (isHidden ? [alias] : [])),
  };
}

function aliasTarget(aliases: Section, alias: string): { readonly name: string; readonly isHidden: boolean } {
  if (!isMapping(aliases.raw(alias))) return { name: aliases.requiredText(alias), isHidden: false };
  const target = aliases.section(alias);
  const isHidden = target.flag('hidden') === true;
  const name = target.requiredText('model');
  target.ignoreTheRest();
  return { name, isHidden };
}
