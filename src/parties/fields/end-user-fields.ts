import type { Fields } from './field.js';
import { blocked, label, name, storedAsSent } from './field-templates.js';
import { partyFields } from './party-fields.js';

const { models, metadata: _, ...party } = partyFields({ limits: 'proxyAdmin', metadata: 'proxyAdmin' });

/**
 * Every field of `/customer/new` and `/customer/update`. Only proxy admins set them, and an end user creates nothing.
 */
export const END_USER_FIELDS = {
  ...party,
  models: {
    ...models,
    column: null,
    shownAs: null,
    passedOn: { because: 'refused, because nothing enforces it' },
  },
  user_id: name('userId', 'proxyAdmin'),
  alias: label('alias', 'proxyAdmin'),
  blocked: blocked('proxyAdmin'),
  allowed_model_region: {
    type: 'text',
    column: 'allowedModelRegion',
    setBy: 'proxyAdmin',
    limits: false,
    passedOn: { because: 'refused, because deployments are not chosen by region here' },
  },
  default_model: label('defaultModel', 'proxyAdmin'),
  object_permission: storedAsSent('mapping'),
} as const satisfies Fields;
