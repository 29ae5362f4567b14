import type { Fields } from './field.js';
import { budgetExceededStatusField, callerFields } from './caller-fields.js';
import { blocked, label, LABEL, MAX_ENTRIES, name, storedAsSent } from './field-templates.js';
import { partyFields } from './party-fields.js';

/** The secrets of a key, and the presets of its routes. */
const instructions = {
  key: {
    type: 'text',
    column: null,
    setBy: 'owner',
    names: 'one',
    limits: false,
    passedOn: {
      because: 'names the key, or its secret where a key is made: only proxy admins choose that',
      tries: ['sk-chosen-by-somebody'],
    },
  },
  new_key: {
    type: 'text',
    column: null,
    setBy: 'proxyAdmin',
    shownAs: null,
    limits: false,
    passedOn: {
      because: 'only proxy admins choose a secret, because others would learn which are taken',
      tries: ['sk-chosen-by-somebody'],
    },
  },
  key_type: {
    type: 'text',
    column: null,
    setBy: 'owner',
    shownAs: null,
    limits: false,
    passedOn: {
      because: 'a preset of `allowed_routes`, compared as such',
      tries: ['management', 'default'],
    },
  },
  grace_period: {
    type: 'duration',
    column: null,
    setBy: 'owner',
    shownAs: null,
    limits: false,
    passedOn: { because: 'the former secret never lives longer than the key' },
  },
} as const satisfies Fields;

/** LiteLLM's fields of a key that are stored as sent. */
export const storedOfKeys = {
  ...callerFields('owner'),
  config: storedAsSent('mapping'),
  permissions: storedAsSent('mapping'),
  allowed_cache_controls: storedAsSent('list', { maxEntries: MAX_ENTRIES }),
  guardrails: storedAsSent('list', { maxEntries: MAX_ENTRIES, inMetadata: 'label', shownInMetadata: true }),
  policies: storedAsSent('list', { maxEntries: MAX_ENTRIES, inMetadata: 'label', shownInMetadata: true }),
  prompts: storedAsSent('list', { maxEntries: MAX_ENTRIES, inMetadata: 'label', shownInMetadata: true }),
  access_group_ids: storedAsSent('list', {
    maxEntries: MAX_ENTRIES,
    passedOn: { because: 'the members of the groups are passed on and compared as `models`' },
  }),
  allowed_passthrough_routes: storedAsSent('list', { maxEntries: MAX_ENTRIES, inMetadata: 'label' }),
  object_permission: storedAsSent('mapping'),
  router_settings: storedAsSent('mapping'),
  rpm_limit_type: storedAsSent('text', { limits: true, inMetadata: 'label', shownInMetadata: true }),
  tpm_limit_type: storedAsSent('text', { limits: true, inMetadata: 'label', shownInMetadata: true }),
  disable_global_guardrails: storedAsSent('flag', { inMetadata: 'label' }),
  agent_id: storedAsSent('text'),
  project_id: storedAsSent('text'),
  auto_rotate: storedAsSent('flag', { setBy: 'owner', passedOn: LABEL }),
  rotation_interval: storedAsSent('text', { setBy: 'owner', passedOn: LABEL }),
} as const satisfies Fields;

/** Every field of `/key/generate`, `/key/update` and `/key/regenerate`. */
export const KEY_FIELDS = {
  ...partyFields({ limits: 'owner', metadata: 'owner' }),
  ...storedOfKeys,
  ...instructions,
  budget_exceeded_status: budgetExceededStatusField('owner'),
  key_alias: { ...label('keyAlias', 'owner'), names: 'one' },
  user_id: name('userId', 'owner'),
  team_id: name('teamId', 'owner'),
  organization_id: name('organizationId', 'owner'),
  blocked: blocked('owner'),
  duration: {
    type: 'duration',
    column: 'expiresAt',
    setBy: 'owner',
    shownAs: 'expires',
    limits: true,
    passedOn: {
      inherit: (row, maker) => {
        row.expiresAt ??= maker.expiresAt ?? null;
      },
      comparedIn: 'until',
      examples: { held: '10d', wider: ['11d', '1200mo'], looser: ['-1'], within: ['9d'] },
    },
  },
  allowed_routes: {
    type: 'list',
    column: 'allowedRoutes',
    setBy: 'owner',
    maxEntries: MAX_ENTRIES,
    limits: true,
    passedOn: {
      inherit: (row, maker) => {
        if (!row.allowedRoutes?.length) row.allowedRoutes = maker.allowedRoutes ?? null;
      },
      comparedIn: 'routes',
      examples: {
        held: ['llm_api_routes', '/key/*', '/user/*', '/team/*'],
        wider: [['/*'], ['*'], ['management_routes'], ['/config/update'], ['/key/*', '/budget/*']],
        looser: [[]],
        within: [['/user/new']],
      },
    },
  },
  aliases: {
    type: 'mapping',
    column: 'aliases',
    setBy: 'owner',
    maxEntries: MAX_ENTRIES,
    limits: false,
    passedOn: { because: 'a name for a model is only of use where its model is allowed' },
  },
} as const satisfies Fields;
