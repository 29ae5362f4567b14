import type { Fields } from './field.js';
import { blocked, label, storedAsSent } from './field-templates.js';
import { partyFields } from './party-fields.js';

/** Every field of `/tag/new` and `/tag/update`. Only proxy admins set them, and a tag creates nothing. */
export const TAG_FIELDS = {
  ...partyFields({ limits: 'proxyAdmin', metadata: 'proxyAdmin' }),
  name: label('name', 'proxyAdmin'),
  description: label('description', 'proxyAdmin'),
  blocked: blocked('proxyAdmin'),
  model_info: storedAsSent('mapping'),
} as const satisfies Fields;
