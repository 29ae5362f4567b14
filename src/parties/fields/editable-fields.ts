import { KEY_FIELDS } from './key-fields.js';
import { editableBy } from './read-fields.js';
import { TEAM_FIELDS } from './team-fields.js';
import { USER_FIELDS } from './user-fields.js';

/**
 * The body fields that callers without the role of a proxy admin may set; they cannot change any other. They set limits
 * up to what they hold (`policy/entitlements.ts`). `user_id`, `team_id` and `organization_id` may only name the
 * caller's own.
 */
export const EDITABLE_FIELDS = {
  key: editableBy(KEY_FIELDS, 'owner'),
  user: editableBy(USER_FIELDS, 'owner'),
  teamByAdmin: editableBy(TEAM_FIELDS, 'teamAdmin'),
  teamByOrganization: editableBy(TEAM_FIELDS, 'teamAdmin', 'organizationAdmin'),
} as const;
