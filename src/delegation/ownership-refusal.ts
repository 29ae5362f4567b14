import { ForbiddenException, type HttpException } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import { missingText } from '../policy/checks/parties-exist.js';
import { maySeeOrganization, maySeeTeam, type Principal } from '../policy/principal.js';

/**
 * Returns the exception for a team or an organization that the caller does not administer: 403 for one that the caller sees, and
 * otherwise the exception for a missing one. The words contain no id, because clients look for "404" in them.
 */
export function ownershipRefusal(
  caller: Principal,
  kind: 'team' | 'organization',
  id: string,
  param = `${kind}_id`,
): HttpException {
  const isSeen = kind === 'team' ? maySeeTeam(caller, id) : maySeeOrganization(caller, id);
  if (!isSeen) return new MissingRowException({ message: missingText({ kind, id }), param });
  return new ForbiddenException({ message: `Only the admins of the ${kind} may do this`, param });
}
