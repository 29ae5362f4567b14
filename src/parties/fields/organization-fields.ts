import type { Fields } from './field.js';
import { blocked, label, MAX_ENTRIES, MAX_TAGS, name, storedAsSent } from './field-templates.js';
import { partyFields } from './party-fields.js';

const ADMINS_ONLY = { because: 'only proxy admins make and change organizations' };

/** Every field of `/organization/new` and `/organization/update`. */
export const ORGANIZATION_FIELDS = {
  ...partyFields({ limits: 'proxyAdmin', metadata: 'proxyAdmin' }),
  organization_id: name('organizationId', 'proxyAdmin'),
  organization_alias: label('organizationAlias', 'proxyAdmin'),
  blocked: blocked('proxyAdmin'),
  litellm_budget_table: {
    type: 'mapping',
    column: null,
    setBy: 'proxyAdmin',
    maxEntries: MAX_ENTRIES,
    limits: true,
    passedOn: { because: 'repeats the limits at the top' },
  },
  model_rpm_limit: storedAsSent('mapping', { limits: true, inMetadata: 'limit', passedOn: ADMINS_ONLY }),
  model_tpm_limit: storedAsSent('mapping', { limits: true, inMetadata: 'limit', passedOn: ADMINS_ONLY }),
  tags: storedAsSent('tags', { maxEntries: MAX_TAGS, inMetadata: 'label' }),
  allowed_models: storedAsSent('list', { maxEntries: MAX_ENTRIES }),
  object_permission: storedAsSent('mapping'),
} as const satisfies Fields;

/** Every field of a user inside an organization: only its role. Nothing enforces limits there, so none can be set. */
export const ORGANIZATION_MEMBER_FIELDS = {
  organization_id: name('organizationId', 'organizationAdmin'),
  user_id: name('userId', 'organizationAdmin'),
  user_email: name(null, 'organizationAdmin'),
  member: {
    type: 'mapping',
    column: null,
    setBy: 'organizationAdmin',
    shownAs: null,
    names: 'member',
    limits: false,
    passedOn: { because: 'names users, and their role as `role` does' },
  },
  role: {
    type: 'text',
    column: 'role',
    setBy: 'organizationAdmin',
    limits: false,
    passedOn: { because: 'an organization admin makes others admins of the same organization' },
  },
  max_budget_in_organization: {
    type: 'number',
    column: null,
    setBy: 'proxyAdmin',
    shownAs: null,
    limits: true,
    passedOn: { because: 'refused, because nothing enforces it' },
  },
} as const satisfies Fields;
