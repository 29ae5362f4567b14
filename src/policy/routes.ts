import type { Role } from './facts.js';
import { matchesGlob } from './glob.js';

const withV1 = (routes: readonly string[]) => routes.flatMap((route) => [route, `/v1${route}`]);

const openaiRoutes = [
  ...[
    'chat/completions',
    'completions',
    'embeddings',
    'images/generations',
    'images/edits',
    'audio/speech',
    'audio/transcriptions',
    'audio/translations',
  ].flatMap((call) => [`/engines/{model:path}/${call}`, `/openai/deployments/{model:path}/${call}`]),
  ...withV1([
    '/chat/completions',
    '/completions',
    '/embeddings',
    '/moderations',
    '/images/generations',
    '/images/edits',
    '/audio/speech',
    '/audio/transcriptions',
    '/audio/translations',
    '/rerank',
    '/responses',
    '/responses/input_tokens',
    '/models',
    '/models/{model:path}',
  ]),
  '/v2/rerank',
];

const anthropicRoutes = withV1(['/messages', '/messages/count_tokens']);
const modelInfoRoutes = ['/model/info', '/v1/model/info'];

const infoRoutes = [
  '/key/info',
  '/key/health',
  '/v2/key/info',
  '/key/list',
  '/team/info',
  '/team/list',
  '/v2/team/list',
  '/team/available',
  '/organization/list',
  '/user/info',
  '/v2/user/info',
  ...modelInfoRoutes,
  '/v2/model/info',
  '/model_group/info',
  '/health',
  '/health/services',
  '/models',
  '/v1/models',
];

const keyManagementRoutes = [
  '/key/generate',
  '/key/service-account/generate',
  '/key/update',
  '/key/bulk_update',
  '/key/delete',
  '/key/info',
  '/key/list',
  '/key/aliases',
  '/key/block',
  '/key/unblock',
  '/key/regenerate',
  '/key/{key:path}/regenerate',
  '/key/{key:path}/reset_spend',
  '/team/daily/activity',
  '/spend/logs',
  '/spend/logs/v2',
];

const managementRoutes = [
  ...['new', 'update', 'bulk_update', 'delete', 'info', 'list'].map((verb) => `/user/${verb}`),
  ...['new', 'update', 'delete', 'list', 'info', 'block', 'unblock', 'available'].map(
    (verb) => `/team/${verb}`,
  ),
  '/v2/team/list',
  '/team/permissions_list',
  '/team/permissions_update',
  '/user/daily/activity',
  ...['new', 'update', 'delete', 'info'].map((verb) => `/model/${verb}`),
  ...keyManagementRoutes,
];

/** LiteLLM's named groups of routes, as far as this gateway serves them. An entry of `allowed_routes` may name one. */
const ROUTE_GROUPS: Readonly<Record<string, readonly string[]>> = {
  openai_routes: openaiRoutes,
  anthropic_routes: anthropicRoutes,
  llm_api_routes: [...openaiRoutes, ...anthropicRoutes, ...modelInfoRoutes],
  info_routes: infoRoutes,
  model_info_routes: modelInfoRoutes,
  key_management_routes: keyManagementRoutes,
  management_routes: managementRoutes,
  spend_tracking_routes: [
    '/spend/keys',
    '/spend/users',
    '/spend/tags',
    '/spend/calculate',
    '/spend/logs',
    '/spend/logs/v2',
    '/spend/sessions',
  ],
  // Reports, one by one: no pattern here may ever cover a route that writes.
  global_spend_tracking_routes: [
    '/global/spend',
    '/global/spend/end_users',
    '/global/spend/keys',
    '/global/spend/models',
    '/global/spend/report',
    '/global/spend/tags',
    '/global/spend/teams',
  ],
};

/** LiteLLM's other groups. Lists may name them; none of their routes is served here. */
const OTHER_ROUTE_GROUPS: ReadonlySet<string> = new Set([
  'admin_viewer_routes', 'agent_inference_routes', 'agent_management_routes', 'agent_routes', 'apply_guardrail_routes',
  'compliance_check_routes', 'google_routes', 'internal_user_routes', 'internal_user_view_only_routes',
  'litellm_native_routes', 'llm_api_routes_without_mcp', 'mapped_pass_through_routes', 'master_key_only_routes',
  'mcp_inference_routes', 'mcp_management_routes', 'mcp_routes', 'openai_route_names', 'org_admin_allowed_routes',
  'org_admin_only_routes', 'passthrough_routes_wildcard', 'public_routes', 'self_managed_routes',
  'team_service_account_key_routes', 'trace_telemetry_routes', 'ui_routes',
]); // prettier-ignore

/** Tells whether an entry of `allowed_routes` is valid: a route, a pattern, or a group that LiteLLM knows. */
export const isRouteEntry = (entry: string) =>
  entry.startsWith('/') ||
  entry === '*' ||
  Object.hasOwn(ROUTE_GROUPS, entry) ||
  OTHER_ROUTE_GROUPS.has(entry);

/** LiteLLM's `master_key_only_routes`, as far as they are served. No key and no token may call them. */
export const MASTER_KEY_ROUTES: ReadonlySet<string> = new Set(['/global/spend/reset']);

/** A list of routes, compiled once; `'any'` if nothing is restricted. */
export type RouteList = 'any' | CompiledRouteList;

interface CompiledRouteList {
  /** The list as configured, for messages. */
  readonly entries: readonly string[];
  readonly exact: ReadonlySet<string>;
  readonly templates: readonly string[];
}

/**
 * Compiles `allowed_routes`. Group names become their members (seed: `get_actual_routes`). All else stands for itself: an
 * exact route, a `{template}`, or `/prefix/*`. Absent or `[]` restricts nothing.
 */
export function compileRouteList(entries: readonly string[] | null | undefined): RouteList {
  if (!entries?.length) return 'any';
  const templates = entries.flatMap((entry) =>
    Object.hasOwn(ROUTE_GROUPS, entry) ? ROUTE_GROUPS[entry]! : [entry],
  );
  return Object.freeze({
    entries: Object.freeze([...entries]),
    exact: new Set(templates),
    templates: Object.freeze([...new Set(templates)].filter((template) => /[*{]/.test(template))),
  });
}

/** Paths before which a call of a model has further spellings. */
const MODEL_PATHS = ['/engines/{model:path}', '/openai/deployments/{model:path}', '/openai/v1'];

/**
 * Compiles routes that are closed to others. A route is closed in all its spellings: with and without a version, and on the
 * paths that name the model. A slash at the end is the same route, too.
 */
export const compileClosedRoutes = (entries: readonly string[]): RouteList =>
  compileRouteList(
    entries.flatMap((entry) => {
      if (!entry.startsWith('/')) return [entry];
      const base = entry.replace(/(?<=.)\/+$/, '').replace(/^\/v[12](?=\/)/, '');
      return [base, `/v1${base}`, `/v2${base}`, ...MODEL_PATHS.map((path) => path + base)];
    }),
  );

export function routeListAllows(list: RouteList, path: string): boolean {
  return (
    list === 'any' || list.exact.has(path) || list.templates.some((template) => matchesRoute(template, path))
  );
}

/** The most patterns of a list that are compared entry by entry. A longer list counts as exceeding what is held. */
const MAX_COMPARISONS = 100_000;

export const isTooMuch = (asked: number, patterns: number): boolean => asked * patterns > MAX_COMPARISONS;

/** Tells whether `holder` covers every route of `asked`. An equal pattern or one with a longer reach covers a pattern. */
export function routesWithin(asked: RouteList, holder: RouteList): boolean {
  if (holder === 'any') return true;
  if (asked === 'any') return false;
  if (isTooMuch(asked.exact.size, holder.templates.length)) return false;
  return [...asked.exact].every(
    (entry) =>
      holder.exact.has(entry) ||
      holder.templates.some(
        (template) => (!/[*{]/.test(entry) || template.endsWith('*')) && matchesRoute(template, entry),
      ),
  );
}

/**
 * Tells whether `template` covers `path`. `{x}` is one segment, `{x:path}` one or more, a trailing `*` any rest; all else
 * must be equal. It is never a substring test.
 */
function matchesRoute(template: string, path: string): boolean {
  if (template === path) return true;
  if (template.endsWith('*')) return matchesGlob(template, path);
  if (!template.includes('{')) return false;
  return matchesSegments(template.split('/'), path.split('/'));
}

/**
 * Matches segments in linear time: each is compared at most once for each `{x:path}`, as `matchesGlob` does for its
 * stars.
 */
function matchesSegments(wanted: readonly string[], segments: readonly string[]): boolean {
  let at = 0;
  let i = 0;
  let open = -1;
  let resume = 0;
  while (at < segments.length) {
    const want = wanted[i];
    const isParam = want?.startsWith('{') ?? false;
    if (want !== undefined && (isParam ? segments[at] !== '' : want === segments[at])) {
      // What stands for several segments may take more of them later.
      if (isParam && want.endsWith(':path}')) [open, resume] = [i, at];
      i++;
      at++;
    } else if (open >= 0 && segments[++resume] !== '') {
      i = open + 1;
      at = resume + 1;
    } else return false;
  }
  return i === wanted.length;
}

/**
 * Routes that a role may call beside those whose access level allows it. Admin routes are closed to all others anyway.
 * (Seed: `allowed_routes_check`; role `team` gets openai and info routes.)
 */
export const ROLE_ROUTES: Readonly<Record<Role, RouteList>> = {
  proxy_admin: 'any',
  proxy_admin_viewer: 'any',
  org_admin: 'any',
  internal_user: 'any',
  internal_user_viewer: 'any',
  team: compileRouteList(['openai_routes', 'info_routes', '/access/v1/evaluation', '/access/v1/evaluations']),
  customer: 'any',
};
