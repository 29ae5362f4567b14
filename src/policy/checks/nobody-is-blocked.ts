import { type Check, deny, scopeOf } from '../decision.js';
import type { Party } from '../facts.js';

/** No team, user, organization, end user or tag behind the request is blocked. (Seed check 1.) */
export const nobodyIsBlocked: Check = ({ parties }) => {
  const blocked = parties.find((party) => party.blocked && party.kind !== 'key');
  return deny(blocked && { code: 'party_blocked', message: blockedText(blocked), scope: scopeOf(blocked) });
};

function blockedText({ kind, id }: Party): string {
  switch (kind) {
    case 'team':
      return `Team=${id} is blocked. Update via \`/team/unblock\` if you're an admin.`;
    case 'end_user':
      return `End User=${id} is blocked. Update via \`/customer/unblock\` if you're an admin.`;
    case 'tag':
      return `Tag=${id} is blocked. Update via \`/tag/update\` with \`blocked: false\` if you're an admin.`;
    case 'organization':
      return `Organization=${id} is blocked. Update via \`/organization/update\` with \`blocked: false\` if you're an admin.`;
    default:
      return `User=${id} is blocked. Update via \`/user/update\` with \`blocked: false\` if you're an admin.`;
  }
}
