import type { Role } from './facts.js';
import { compileRouteList, type RouteList } from './routes.js';

const none: readonly Role[] = [];
const viewers: readonly Role[] = ['proxy_admin_viewer'];
const users: readonly Role[] = ['internal_user'];
const readers: readonly Role[] = ['proxy_admin_viewer', 'internal_user', 'internal_user_viewer'];
const readersAndTeams: readonly Role[] = [...readers, 'team'];
const allRoles: readonly Role[] = [...readersAndTeams, 'customer'];

/**
 * The roles that may call each admin route, beside `proxy_admin`. What they see and change there is theirs: an admin of a
 * team or an organization owns it too (`principal.ts`). The gateway does not start with a route that is not listed.
 */
export const ADMIN_RULES: Readonly<Record<string, readonly Role[]>> = {
  'POST /key/generate': users,
  'POST /key/service-account/generate': users,
  'POST /key/update': users,
  'POST /key/bulk_update': none,
  'POST /key/regenerate': users,
  'POST /key/:key/regenerate': users,
  'POST /key/:key/reset_spend': users,
  'POST /key/delete': users,
  'POST /key/block': users,
  'POST /key/unblock': users,
  'GET /key/info': allRoles,
  'GET /key/list': allRoles,
  'GET /key/aliases': readers,
  'POST /key/health': allRoles,
  'POST /v2/key/info': allRoles,

  'POST /user/new': none,
  'POST /user/update': users,
  'GET /user/info': readers,
  'GET /v2/user/info': readers,
  'GET /user/list': readers,
  'GET /user/available_roles': readers,
  'POST /user/bulk_update': none,
  'POST /user/delete': none,

  'POST /team/new': users,
  'POST /team/update': users,
  'GET /team/info': readersAndTeams,
  'GET /team/list': readersAndTeams,
  'GET /v2/team/list': readersAndTeams,
  'GET /team/available': readers,
  'POST /team/model/add': users,
  'POST /team/model/delete': users,
  'POST /team/delete': users,
  'POST /team/block': users,
  'POST /team/unblock': users,
  'POST /team/member_add': users,
  'POST /team/member_update': users,
  'POST /team/member_delete': users,
  'GET /team/permissions_list': readers,
  'POST /team/permissions_update': users,

  'POST /organization/new': none,
  'PATCH /organization/update': none,
  'GET /organization/info': readers,
  'GET /organization/list': readers,
  'DELETE /organization/delete': none,
  'POST /organization/member_add': users,
  'PATCH /organization/member_update': users,
  'DELETE /organization/member_delete': users,

  'POST /customer/new': none,
  'POST /customer/update': none,
  'GET /customer/info': viewers,
  'GET /customer/list': viewers,
  'POST /customer/delete': none,
  'POST /customer/block': none,
  'POST /customer/unblock': none,
  'POST /end_user/new': none,
  'POST /end_user/update': none,
  'GET /end_user/info': viewers,
  'GET /end_user/list': viewers,
  'POST /end_user/delete': none,
  'POST /end_user/block': none,
  'POST /end_user/unblock': none,

  'POST /tag/new': none,
  'POST /tag/update': none,
  'POST /tag/info': viewers,
  'GET /tag/list': readers,
  'POST /tag/delete': none,
  'GET /tag/distinct': viewers,
  'GET /tag/dau': viewers,
  'GET /tag/wau': viewers,
  'GET /tag/mau': viewers,
  'GET /tag/summary': viewers,
  'GET /tag/user-agent/per-user-analytics': viewers,

  'POST /budget/new': none,
  'POST /budget/update': none,
  'POST /budget/info': viewers,
  'GET /budget/settings': viewers,
  'GET /budget/list': viewers,
  'POST /budget/delete': none,

  'POST /model/new': none,
  'POST /model/update': none,
  'PATCH /model/:model_id/update': none,
  'POST /model/delete': none,
  'GET /v2/model/info': viewers,

  'GET /config/cost_discount_config': viewers,
  'PATCH /config/cost_discount_config': none,
  'GET /config/cost_margin_config': viewers,
  'PATCH /config/cost_margin_config': none,
  'POST /cost/estimate': readers,

  'POST /access_group/new': none,
  'GET /access_group/list': viewers,
  'GET /access_group/:access_group/info': viewers,
  'PUT /access_group/:access_group/update': none,
  'DELETE /access_group/:access_group/delete': none,
  'POST /v1/access_group': none,
  'GET /v1/access_group': viewers,
  'GET /v1/access_group/:access_group_id': viewers,
  'PUT /v1/access_group/:access_group_id': none,
  'DELETE /v1/access_group/:access_group_id': none,

  'GET /spend/logs': readers,
  'GET /spend/logs/v2': readers,
  'GET /spend/keys': readers,
  'GET /spend/users': readers,
  'GET /spend/tags': readers,
  'GET /spend/sessions': readers,
  'POST /spend/calculate': readers,
  'GET /user/daily/activity': readers,
  'GET /team/daily/activity': readers,
  'GET /organization/daily/activity': readers,
  'GET /tag/daily/activity': readers,
  'GET /customer/daily/activity': viewers,
  'GET /global/activity': readers,
  'GET /global/spend': viewers,
  'GET /global/spend/tags': viewers,
  'GET /global/spend/keys': viewers,
  'GET /global/spend/models': viewers,
  'GET /global/spend/teams': viewers,
  'POST /global/spend/end_users': viewers,
  'GET /global/spend/report': viewers,
  'GET /audit': viewers,
  'GET /audit/:id': viewers,
  'POST /global/spend/reset': none,
  'GET /health': viewers,
  'GET /metrics': viewers,
};

/** Names of fields that `metadata` must not contain, because LiteLLM keeps them there. */
export const ADMIN_METADATA: ReadonlySet<string> = new Set([
  'model_rpm_limit',
  'model_tpm_limit',
  'rpm_limit_type',
  'tpm_limit_type',
  'guardrails',
  'policies',
  'enforced_params',
  'disable_global_guardrails',
  'allowed_passthrough_routes',
  'allowed_routes',
  'team_member_key_duration',
  'temp_budget_increase',
  'temp_budget_expiry',
  'user_role',
  'permissions',
]);

/** Returns what `allowed_routes` may contain in a key that a caller of this role makes. */
export const GRANTABLE_ROUTES: RouteList = compileRouteList([
  'llm_api_routes',
  'info_routes',
  'key_management_routes',
  '/access/v1/evaluation',
  '/access/v1/evaluations',
  ...Object.entries(ADMIN_RULES)
    .filter(([, roles]) => roles.includes('internal_user'))
    .map(([door]) => door.split(' ')[1]!.replace(/:(\w+)/g, '{$1}')),
]);

/** Permissions that a team may give its members for its keys. */
export const MEMBER_PERMISSIONS: readonly string[] = [
  '/key/generate',
  '/key/update',
  '/key/delete',
  '/key/info',
  '/key/list',
  '/key/block',
  '/key/unblock',
  '/key/regenerate',
  '/key/service-account/generate',
  '/key/{key_id}/regenerate',
  '/key/{key_id}/reset_spend',
  '/key/bulk_update',
  '/key/aliases',
  '/key/health',
  '/team/daily/activity',
  '/spend/logs',
  '/spend/logs/v2',
];
