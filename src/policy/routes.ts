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
const bedrockRoutes = ['invoke', 'invoke-with-response-stream', 'converse', 'converse-stream'].map(
  (action) => `/bedrock/model/{model}/${action}`,
);
const googleRoutes = ['/gemini/v1beta', '/v1beta', '/gemini/v1'].map(
  (version) => `${version}/models/{target}`,
);
const vertexRoutes = ['/vertex_ai', '/vertex-ai'].flatMap((prefix) =>
  ['v1', 'v1beta1'].map(
    (version) =>
      `${prefix}/${version}/projects/{project}/locations/{location}/publishers/{publisher}/models/{target}`,
  ),
);
const passThroughRoutes = [
  ...bedrockRoutes,
  ...googleRoutes.filter((route) => route.startsWith('/gemini')),
  ...vertexRoutes,
];
const modelInfoRoutes = ['/model/info', '/v1/model/info', '/model_group/info'];
const llmApiRoutes = [
  ...openaiRoutes,
  ...anthropicRoutes,
  ...googleRoutes,
  ...passThroughRoutes,
  ...modelInfoRoutes,
];

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

const memberRoutes = ['/team/member_add', '/team/member_update', '/team/member_delete'];
const permissionRoutes = ['/team/permissions_list', '/team/permissions_update'];
const modelManagementRoutes = ['/model/new', '/model/update', '/model/delete'];

const managementRoutes = [
  ...['new', 'update', 'bulk_update', 'delete', 'info', 'list'].map((verb) => `/user/${verb}`),
  ...['new', 'update', 'delete', 'list', 'info', 'block', 'unblock', 'available'].map(
    (verb) => `/team/${verb}`,
  ),
  '/v2/team/list',
  ...memberRoutes,
  ...permissionRoutes,
  '/user/daily/activity',
  ...modelManagementRoutes,
  '/model/info',
  ...keyManagementRoutes,
];

const spendTrackingRoutes = [
  '/spend/keys',
  '/spend/users',
  '/spend/tags',
  '/spend/calculate',
  '/spend/logs',
  '/spend/logs/v2',
  '/spend/sessions',
  '/cost/estimate',
];

const viewOnlyRoutes = [...spendTrackingRoutes, '/tag/daily/activity', '/tag/list'];

const organizationRoutes = ['info', 'delete', 'member_add', 'member_update', 'member_delete'].map(
  (verb) => `/organization/${verb}`,
);

const selfManagedRoutes = [
  ...memberRoutes,
  ...permissionRoutes,
  '/team/update',
  '/team/daily/activity',
  '/organization/daily/activity',
  '/user/daily/activity',
  '/user/list',
  '/user/available_roles',
  ...modelManagementRoutes,
  '/model/{model_id}/update',
];

const adminViewerRoutes = [
  ...infoRoutes,
  ...viewOnlyRoutes,
  '/audit',
  '/audit/{id}',
  '/budget/list',
  '/budget/settings',
  '/customer/info',
  '/customer/list',
  '/global/activity',
  '/team/daily/activity',
  '/user/available_roles',
  '/user/daily/activity',
  '/user/list',
];

/** LiteLLM's named groups of routes, as far as this gateway serves them. An entry of `allowed_routes` may name one. */
const ROUTE_GROUPS: Readonly<Record<string, readonly string[]>> = {
  openai_routes: openaiRoutes,
  anthropic_routes: anthropicRoutes,
  llm_api_routes: llmApiRoutes,
  llm_api_routes_without_mcp: llmApiRoutes,
  google_routes: googleRoutes,
  mapped_pass_through_routes: passThroughRoutes,
  passthrough_routes_wildcard: ['/openai/*', '/bedrock/*', '/gemini/*', '/vertex_ai/*', '/vertex-ai/*'],
  info_routes: infoRoutes,
  model_info_routes: modelInfoRoutes,
  key_management_routes: keyManagementRoutes,
  team_service_account_key_routes: ['/key/generate', '/key/update'],
  management_routes: managementRoutes,
  spend_tracking_routes: spendTrackingRoutes,
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
  master_key_only_routes: ['/global/spend/reset'],
  public_routes: ['/', '/health/liveliness', '/health/liveness'],
  ui_routes: [
    ...infoRoutes,
    '/global/activity',
    '/global/spend',
    '/global/spend/keys',
    '/global/spend/models',
    '/global/spend/tags',
  ],
  internal_user_routes: [
    ...keyManagementRoutes,
    ...viewOnlyRoutes,
    '/global/activity',
    ...withV1(['/models/{model:path}']),
  ],
  internal_user_view_only_routes: viewOnlyRoutes,
  self_managed_routes: selfManagedRoutes,
  org_admin_only_routes: organizationRoutes,
  admin_viewer_routes: adminViewerRoutes,
  org_admin_allowed_routes: [
    ...adminViewerRoutes,
    ...managementRoutes,
    ...selfManagedRoutes,
    ...organizationRoutes,
  ],
};

/** LiteLLM's other groups. Lists may name them; none of their routes is served here. */
const OTHER_ROUTE_GROUPS: ReadonlySet<string> = new Set([
  'agent_inference_routes', 'agent_management_routes', 'agent_routes', 'apply_guardrail_routes', 'compliance_check_routes',
  'litellm_native_routes', 'mcp_inference_routes', 'mcp_management_routes',
  'mcp_routes', 'openai_route_names', 'trace_telemetry_routes',
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
  /** Routes with a slash at their end. Each covers every route that begins with it. */
  readonly prefixes: readonly string[];
}

const isPattern = (entry: string) => /[*{]/.test(entry);

/**
 * Compiles a list of routes. Group names become their members (seed: `get_actual_routes`). All else stands for itself: an
 * exact route, a `{template}`, or `/prefix/*`. Absent or `[]` restricts nothing.
 */
export const compileRouteList = (entries: readonly string[] | null | undefined): RouteList =>
  compile(entries, () => []);

/**
 * Compiles `allowed_routes` of a key. A route that the list names covers the routes below it, too, by whole segments.
 * (LiteLLM: `_route_matches_allowed_route`) A group holds its members alone.
 */
export const compileKeyRoutes = (entries: readonly string[] | null | undefined): RouteList =>
  compile(entries, (entry) => (entry.startsWith('/') && !isPattern(entry) ? [`${servedPath(entry)}/`] : []));

/** Returns the path by which the router knows an entry: `/openai/v1/…` is another name of `/v1/…`. */
const servedPath = (entry: string) => entry.replace(/^\/openai(?=\/(?:v1|models|responses)(?:\/|$))/, '');

function compile(
  entries: readonly string[] | null | undefined,
  prefixesOf: (entry: string) => readonly string[],
): RouteList {
  if (!entries?.length) return 'any';
  const templates = entries.flatMap((entry) =>
    Object.hasOwn(ROUTE_GROUPS, entry) ? ROUTE_GROUPS[entry]! : [servedPath(entry)],
  );
  return Object.freeze({
    entries: Object.freeze([...entries]),
    exact: new Set(templates),
    templates: Object.freeze([...new Set(templates)].filter(isPattern)),
    prefixes: Object.freeze([...new Set(entries.flatMap(prefixesOf))]),
  });
}

/** Paths before which a call of a model has further spellings. */
const MODEL_PATHS = ['/engines/{model:path}', '/openai/deployments/{model:path}'];

/**
 * Compiles routes that are closed to others. A route is closed in all its spellings: with and without a version, and on the
 * paths that name the model. A slash at the end is the same route, too.
 */
export const compileClosedRoutes = (entries: readonly string[]): RouteList =>
  compileRouteList(
    entries.flatMap((entry) => {
      if (!entry.startsWith('/')) return [entry];
      const base = servedPath(entry)
        .replace(/(?<=.)\/+$/, '')
        .replace(/^\/v[12](?=\/)/, '');
      return [base, `/v1${base}`, `/v2${base}`, ...MODEL_PATHS.map((path) => path + base)];
    }),
  );

export const routeListAllows = (list: RouteList, path: string): boolean =>
  list === 'any' ||
  list.exact.has(path) ||
  list.prefixes.some((prefix) => path.startsWith(prefix)) ||
  list.templates.some((template) => matchesRoute(template, path));

/** Tells whether a list names a route itself, neither by a group nor by what covers it. */
export const namesRoute = (list: RouteList, path: string): boolean =>
  list !== 'any' && list.entries.includes(path);

/** The most patterns of a list that are compared entry by entry. A longer list counts as exceeding what is held. */
const MAX_COMPARISONS = 100_000;

export const isTooMuch = (asked: number, patterns: number): boolean => asked * patterns > MAX_COMPARISONS;

/** Every member of a group, except those that every caller or no key may call. */
const GROUP_MEMBERS: readonly string[] = [
  ...new Set(
    Object.entries(ROUTE_GROUPS).flatMap(([group, members]) =>
      group === 'public_routes' || group === 'master_key_only_routes' ? [] : members,
    ),
  ),
];

/** Tells whether `holder` covers every route of `asked`. An equal pattern or one with a longer reach covers a pattern. */
export function routesWithin(asked: RouteList, holder: RouteList): boolean {
  if (holder === 'any') return true;
  if (asked === 'any') return false;
  if (isTooMuch(asked.exact.size, holder.templates.length + holder.prefixes.length)) return false;
  const covers = (entry: string) =>
    holder.exact.has(entry) ||
    holder.prefixes.some((prefix) => entry.startsWith(prefix)) ||
    holder.templates.some(
      (template) => (!isPattern(entry) || template.endsWith('*')) && matchesRoute(template, entry),
    );
  // What a group holds alone, a named route holds with all that is below it.
  const coversBelow = (prefix: string) =>
    holder.prefixes.some((reach) => prefix.startsWith(reach)) ||
    GROUP_MEMBERS.every((member) => !member.startsWith(prefix) || covers(member));
  return [...asked.exact].every(covers) && asked.prefixes.every(coversBelow);
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
