import { type Check, deny, scopeOf } from '../decision.js';
import type { Party } from '../facts.js';

/** Every party that the key names exists. (Seed: the getters' "doesn't exist in db" errors.) */
export const partiesExist: Check = ({ parties }) => {
  const missing = parties.find(({ exists }) => !exists);
  return deny(missing && { code: 'party_missing', message: missingText(missing), scope: scopeOf(missing) });
};

/** Returns the seed's sentence for a missing party; the admin API answers 404 with it, too, to callers who may see every row. */
export function missingText({ kind, id }: Pick<Party, 'kind' | 'id'>): string {
  switch (kind) {
    case 'user':
      return `User doesn't exist in db. 'user_id'=${id}. Create user via \`/user/new\` call.`;
    case 'team':
      return `Team doesn't exist in db. Team=${id}. Create team via \`/team/new\` call.`;
    case 'organization':
      return `Organization doesn't exist in db. Organization=${id}. Create organization via \`/organization/new\` call.`;
    case 'end_user':
      return `End User doesn't exist in db. End User=${id}. Create end user via \`/customer/new\` call.`;
    case 'tag':
      return `Tag doesn't exist in db. Tag=${id}. Create tag via \`/tag/new\` call.`;
    case 'member':
      return `User not found in team. 'user_id'=${id}. Add the user via \`/team/member_add\` call.`;
    default:
      return `Key not found in database. Create one via \`/key/generate\` call.`;
  }
}
