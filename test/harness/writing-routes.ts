import { ADMIN_RULES } from '../../src/policy/admin-rules.js';
import { secretHash } from '../../src/platform/secrets.js';
import { operations } from './tenants.js';

/** Returns the chosen secret of a key. */
export const K = (name: string) => `sk-audited-key-${name}`;
export const H = (name: string) => secretHash(K(name));

/** Every writing route with a body and the rows it changes, in this order. Written by hand: a new route fails here. */
export const WRITES: readonly (readonly [door: string, body: object, changes: readonly string[]])[] = [
  ['POST /budget/new', { budget_id: 'tier', max_budget: 5 }, ['created BudgetTable tier']],
  ['POST /model/new', { model_name: 'm', litellm_params: { model: 'openai/x', api_key: 'sk-hidden-0001' }, model_info: { id: 'dep' } }, ['created ProxyModelTable dep']],
  ['POST /model/update', { model_info: { id: 'dep' }, litellm_params: { rpm: 5 } }, ['updated ProxyModelTable dep']],
  ['PATCH /model/{model_id}/update', { model_id: 'dep', blocked: true }, ['updated ProxyModelTable dep']],
  ['POST /model/delete', { id: 'dep' }, ['deleted ProxyModelTable dep']],
  ['PATCH /config/cost_discount_config', { openai: 0.1 }, ['created Config cost_discount_config']],
  ['PATCH /config/cost_margin_config', { global: 0.1 }, ['created Config cost_margin_config']],
  ['POST /budget/update', { budget_id: 'tier', max_budget: 6 }, ['updated BudgetTable tier']],
  ['POST /budget/new', { budget_id: 'spare' }, ['created BudgetTable spare']],
  ['POST /budget/delete', { id: 'spare' }, ['deleted BudgetTable spare']],
  ['POST /organization/new', { organization_id: 'o', organization_alias: 'O' }, ['created OrganizationTable o']],
  ['PATCH /organization/update', { organization_id: 'o', organization_alias: 'P' }, ['updated OrganizationTable o']],
  ['POST /organization/member_add', { organization_id: 'o', member: [{ role: 'internal_user', user_id: 'met' }] }, ['created OrganizationMembership o/met', 'created UserTable met']],
  ['PATCH /organization/member_update', { organization_id: 'o', user_id: 'met', role: 'org_admin' }, ['updated OrganizationMembership o/met']],
  ['DELETE /organization/member_delete', { organization_id: 'o', user_id: 'met' }, ['deleted OrganizationMembership o/met']],
  ['POST /user/new', { user_id: 'u', key: K('u') }, [`created VerificationToken ${H('u')}`, 'created UserTable u']],
  ['POST /user/update', { user_id: 'u', max_budget: 7 }, ['updated UserTable u']],
  ['POST /user/bulk_update', { users: [{ user_id: 'u', max_budget: 8 }] }, ['updated UserTable u']],
  ['POST /team/new', { team_id: 't', organization_id: 'o', members_with_roles: [{ role: 'admin', user_id: 'u' }] }, ['created TeamTable t', 'created TeamMembership t/u']],
  ['POST /team/update', { team_id: 't', max_budget: 7 }, ['updated TeamTable t']],
  ['POST /team/model/add', { team_id: 't', models: ['m'] }, ['updated TeamTable t']],
  ['POST /team/model/delete', { team_id: 't', models: ['m'] }, ['updated TeamTable t']],
  ['POST /team/block', { team_id: 't' }, ['blocked TeamTable t']],
  ['POST /team/unblock', { team_id: 't' }, ['unblocked TeamTable t']],
  ['POST /team/member_add', { team_id: 't', member: { role: 'user', user_id: 'v' } }, ['created TeamMembership t/v', 'created UserTable v']],
  ['POST /team/member_update', { team_id: 't', user_id: 'v', max_budget_in_team: 3 }, ['updated TeamMembership t/v']],
  ['POST /team/permissions_update', { team_id: 't', team_member_permissions: ['/key/info'] }, ['updated TeamTable t']],
  ['POST /key/generate', { key: K('t'), team_id: 't', user_id: 'v' }, [`created VerificationToken ${H('t')}`]],
  ['POST /key/update', { key: K('t'), max_budget: 2 }, [`updated VerificationToken ${H('t')}`]],
  ['POST /key/block', { key: K('t') }, [`blocked VerificationToken ${H('t')}`]],
  ['POST /key/unblock', { key: K('t') }, [`unblocked VerificationToken ${H('t')}`]],
  ['POST /team/member_delete', { team_id: 't', user_id: 'v' }, ['deleted TeamMembership t/v', `deleted VerificationToken ${H('t')}`]],
  ['POST /key/generate', { key: K('t2'), team_id: 't' }, [`created VerificationToken ${H('t2')}`]],
  ['POST /key/service-account/generate', { key: K('s'), team_id: 't' }, [`created VerificationToken ${H('s')}`]],
  ['POST /key/bulk_update', { keys: [{ key: K('s'), max_budget: 4 }] }, [`updated VerificationToken ${H('s')}`]],
  ['POST /key/regenerate', { key: K('s'), new_key: K('s1') }, [`rotated VerificationToken ${H('s')}`]],
  ['POST /key/{key}/regenerate', { key: K('s1'), new_key: K('s2') }, [`rotated VerificationToken ${H('s1')}`]],
  ['POST /key/update', { key: K('s2'), spend: 0.5 }, [`updated VerificationToken ${H('s2')}`]],
  ['POST /key/{key}/reset_spend', { key: K('s2'), reset_to: 0.2 }, [`updated VerificationToken ${H('s2')}`]],
  ['POST /team/delete', { team_ids: ['t'] }, ['deleted TeamTable t', 'deleted TeamMembership t/u', `deleted VerificationToken ${H('t2')}`, `deleted VerificationToken ${H('s2')}`]],
  ['POST /key/delete', { keys: [K('u')] }, [`deleted VerificationToken ${H('u')}`]],
  ['POST /team/new', { team_id: 't', organization_id: 'o', members_with_roles: [{ role: 'user', user_id: 'u' }] }, ['created TeamTable t', 'created TeamMembership t/u']],
  ['POST /organization/member_add', { organization_id: 'o', member: [{ role: 'org_admin', user_id: 'u' }] }, ['created OrganizationMembership o/u']],
  ['DELETE /organization/delete', { organization_ids: ['o'] }, ['deleted OrganizationTable o', 'deleted OrganizationMembership o/u', 'deleted TeamTable t', 'deleted TeamMembership t/u']],
  ['POST /key/generate', { key: K('u2'), user_id: 'u' }, [`created VerificationToken ${H('u2')}`]],
  ['POST /user/delete', { user_ids: ['u'] }, ['deleted UserTable u', `deleted VerificationToken ${H('u2')}`]],
  ['POST /tag/new', { name: 'batch', max_budget: 3 }, ['created TagTable batch']],
  ['POST /tag/update', { name: 'batch', max_budget: 4 }, ['updated TagTable batch']],
  ['POST /tag/delete', { name: 'batch' }, ['deleted TagTable batch']],
  ...['customer', 'end_user'].flatMap((door): [string, object, string[]][] => [
    [`POST /${door}/new`, { user_id: door, alias: 'a' }, [`created EndUserTable ${door}`]],
    [`POST /${door}/update`, { user_id: door, alias: 'b' }, [`updated EndUserTable ${door}`]],
    [`POST /${door}/block`, { user_ids: [door, `new-${door}`] }, [`blocked EndUserTable ${door}`, `created EndUserTable new-${door}`]],
    [`POST /${door}/unblock`, { user_ids: [door] }, [`unblocked EndUserTable ${door}`]],
    [`POST /${door}/delete`, { user_ids: [door] }, [`deleted EndUserTable ${door}`]],
  ]),
]; // prettier-ignore

/** Routes that read by `POST`. */
const READS = new Set([
  'POST /budget/info',
  'POST /tag/info',
  'POST /key/health',
  'POST /v2/key/info',
  'POST /spend/calculate',
  'POST /cost/estimate',
  'POST /global/spend/end_users',
]);

/** Routes of groups, whose ids the gateway chooses. */
export const DOORS_OF_GROUPS = [
  'POST /access_group/new',
  'PUT /access_group/{access_group}/update',
  'DELETE /access_group/{access_group}/delete',
  'POST /v1/access_group',
  'PUT /v1/access_group/{access_group_id}',
  'DELETE /v1/access_group/{access_group_id}',
];

/** Returns every route of the document that writes for an admin. */
export async function writingDoors(gateway: Parameters<typeof operations>[0]): Promise<string[]> {
  return (await operations(gateway))
    .map(({ door }) => door)
    .filter((door) => door.replaceAll(/\{(\w+)\}/g, ':$1') in ADMIN_RULES)
    .filter((door) => !door.startsWith('GET ') && !READS.has(door));
}

/** Returns the path of a route, with values of its body for its parameters. */
export const pathOf = (template: string, body: object) =>
  template.replace(/\{(\w+)\}/, (_, name: string) => String((body as Record<string, unknown>)[name]));
