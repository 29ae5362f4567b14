import { END_USER_FIELDS } from './end-user-fields.js';
import type { Field, Fields } from './field.js';
import { KEY_FIELDS } from './key-fields.js';
import { MEMBER_FIELDS } from './member-fields.js';
import { ORGANIZATION_FIELDS, ORGANIZATION_MEMBER_FIELDS } from './organization-fields.js';
import { TAG_FIELDS } from './tag-fields.js';
import { TEAM_FIELDS } from './team-fields.js';
import { TIER_FIELDS } from './tier-fields.js';
import { USER_FIELDS } from './user-fields.js';

/** The declared fields of every resource. */
export const ALL_FIELDS = {
  key: KEY_FIELDS,
  user: USER_FIELDS,
  team: TEAM_FIELDS,
  member: MEMBER_FIELDS,
  organization: ORGANIZATION_FIELDS,
  organizationMember: ORGANIZATION_MEMBER_FIELDS,
  endUser: END_USER_FIELDS,
  tag: TAG_FIELDS,
  tier: TIER_FIELDS,
} as const satisfies Record<string, Fields>;

/** Returns the names of the fields of any resource that `test` holds for. */
export const anyFieldsWhere = (test: (field: Field) => boolean): ReadonlySet<string> =>
  new Set(
    Object.values<Fields>(ALL_FIELDS).flatMap((fields) =>
      Object.entries(fields).flatMap(([name, field]) => (test(field) ? [name] : [])),
    ),
  );
