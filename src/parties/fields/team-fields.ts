import type { Field, Fields } from './field.js';
import { budgetExceededStatusField, callerFields } from './caller-fields.js';
import { blocked, label, MAX_ENTRIES, name, storedAsSent } from './field-templates.js';
import { partyFields } from './party-fields.js';

/** A default for members without limits of their own. */
const memberDefault = (type: 'usd' | 'duration' | 'rate', tried: unknown): Field => ({
  type,
  column: 'extra',
  setBy: 'organizationAdmin',
  limits: true,
  passedOn: {
    because: 'limits members inside what the team may spend: a team admin cannot raise it',
    tries: [tried],
  },
});

/** Every field of `/team/new` and `/team/update`. */
export const TEAM_FIELDS = {
  ...partyFields({ limits: 'teamAdmin', metadata: 'teamAdmin' }),
  ...callerFields('teamAdmin'),
  budget_exceeded_status: budgetExceededStatusField('teamAdmin'),
  team_id: name('teamId', 'teamAdmin'),
  team_alias: label('teamAlias', 'teamAdmin'),
  organization_id: name('organizationId', 'organizationAdmin'),
  blocked: blocked('organizationAdmin'),
  members_with_roles: {
    type: 'list',
    column: null,
    setBy: 'organizationAdmin',
    maxEntries: MAX_ENTRIES,
    names: 'member',
    limits: false,
    passedOn: {
      because: 'names members, who must be users the caller administers',
      tries: [[{ role: 'admin', user_id: 'other' }]],
    },
  },
  model_aliases: {
    type: 'mapping',
    column: 'modelAliases',
    setBy: 'organizationAdmin',
    maxEntries: MAX_ENTRIES,
    limits: false,
    passedOn: {
      because: 'a name for a model is only of use where its model is allowed',
      tries: [{ 'm-free': 'm-out' }],
    },
  },
  team_member_budget: memberDefault('usd', 1e6),
  team_member_budget_duration: memberDefault('duration', '1d'),
  team_member_rpm_limit: memberDefault('rate', 1e6),
  team_member_tpm_limit: memberDefault('rate', 1e6),
  team_member_key_duration: storedAsSent('text', {
    setBy: 'organizationAdmin',
    inMetadata: 'limit',
    limits: true,
    passedOn: {
      because: 'no key of a member outlives it (`keys/key-delegation.ts`)',
      tries: ['1200mo', null],
    },
  }),
  team_member_permissions: storedAsSent('list', {
    setBy: 'teamAdmin',
    maxEntries: MAX_ENTRIES,
    passedOn: {
      because: 'permits members what team admins may do themselves',
      tries: [['/key/generate']],
    },
  }),
  rpm_limit_type: storedAsSent('text', { limits: true, inMetadata: 'label' }),
  tpm_limit_type: storedAsSent('text', { limits: true, inMetadata: 'label' }),
  guardrails: storedAsSent('list', { maxEntries: MAX_ENTRIES, inMetadata: 'label' }),
  policies: storedAsSent('list', { maxEntries: MAX_ENTRIES, inMetadata: 'label' }),
  prompts: storedAsSent('list', { maxEntries: MAX_ENTRIES, inMetadata: 'label' }),
  access_group_ids: storedAsSent('list', {
    maxEntries: MAX_ENTRIES,
    passedOn: { because: 'the members of the groups are compared as `models`' },
  }),
  default_team_member_models: storedAsSent('list', { maxEntries: MAX_ENTRIES }),
  allowed_passthrough_routes: storedAsSent('list', { maxEntries: MAX_ENTRIES, inMetadata: 'label' }),
  router_settings: storedAsSent('mapping'),
  object_permission: storedAsSent('mapping'),
  disable_global_guardrails: storedAsSent('flag', { inMetadata: 'label' }),
  secret_manager_settings: storedAsSent('mapping', { inMetadata: 'label' }),
  allowed_vector_store_indexes: storedAsSent('list', { maxEntries: MAX_ENTRIES, inMetadata: 'label' }),
  enforced_batch_output_expires_after: storedAsSent('mapping', { inMetadata: 'label' }),
  enforced_file_expires_after: storedAsSent('mapping', { inMetadata: 'label' }),
} as const satisfies Fields;
