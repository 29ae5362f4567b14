import type { Fields } from './field.js';
import { blocked, label, MAX_ENTRIES, name } from './field-templates.js';
import { partyFields } from './party-fields.js';
import { storedOfKeys } from './key-fields.js';

/** LiteLLM's fields of a user that are stored as sent: those of a key, but a user may set none of them. */
const storedOfUsers = Object.fromEntries(
  Object.entries(storedOfKeys).map(([field, declared]) => [field, { ...declared, setBy: 'proxyAdmin' }]),
) as { readonly [Name in keyof typeof storedOfKeys]: (typeof storedOfKeys)[Name] };

/**
 * Every field of `/user/new` and `/user/update` that describes the user. `/user/new` also takes the fields of the
 * user's first key.
 */
export const USER_FIELDS = {
  ...partyFields({ limits: 'proxyAdmin', metadata: 'owner' }),
  ...storedOfUsers,
  user_id: name('userId', 'owner'),
  user_alias: label('userAlias', 'owner'),
  user_email: {
    type: 'text',
    column: 'userEmail',
    setBy: 'proxyAdmin',
    names: 'one',
    limits: false,
    passedOn: {
      because: 'identifies a person who signs in',
      tries: ['root@example.com', null],
    },
  },
  user_role: {
    type: 'text',
    column: 'userRole',
    setBy: 'proxyAdmin',
    limits: false,
    passedOn: {
      because: 'only proxy admins give roles',
      tries: ['proxy_admin', 'proxy_admin_viewer', 'internal_user_viewer', null],
    },
  },
  sso_user_id: name('ssoUserId', 'proxyAdmin'),
  blocked: blocked('proxyAdmin'),
  teams: {
    type: 'list',
    column: null,
    setBy: 'proxyAdmin',
    maxEntries: MAX_ENTRIES,
    names: 'list',
    limits: false,
    passedOn: { because: 'only proxy admins make users' },
  },
  organizations: {
    type: 'list',
    column: null,
    setBy: 'proxyAdmin',
    shownAs: null,
    maxEntries: MAX_ENTRIES,
    names: 'list',
    limits: false,
    passedOn: { because: 'only proxy admins make users' },
  },
  auto_create_key: {
    type: 'flag',
    column: null,
    setBy: 'proxyAdmin',
    shownAs: null,
    limits: false,
    passedOn: { because: 'only proxy admins make users' },
  },
} as const satisfies Fields;
