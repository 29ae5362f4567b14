import { ForbiddenException, type HttpException, NotFoundException } from '@nestjs/common';
import { missingText } from '../policy/checks/parties-exist.js';
import { maySeeOrganization, maySeeTeam, type Principal } from '../policy/principal.js';

/**
 * Returns the exception for a team or an organization that the caller does not administer: 403 for one that the caller sees, and
 * otherwise 404, as if it did not exist.
 */
export function ownershipRefusal(
  caller: Principal,
  kind: 'team' | 'organization',
  id: string,
  param = `${kind}_id`,
): HttpException {
  const isSeen = kind === 'team' ? maySeeTeam(caller, id) : maySeeOrganization(caller, id);
  if (!isSeen) return new NotFoundException({ message: missingText({ kind, id }), param });
  const label = kind === 'team' ? 'Team' : 'Organization';
  return new ForbiddenException({ message: `Only the admins of ${label}=${id} may do this`, param });
}
