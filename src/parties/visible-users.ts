import { NotFoundException } from '@nestjs/common';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import { OrganizationMember } from './entities/organization-member.entity.js';
import {
  administeredOrganizations,
  administeredTeams,
  type Principal,
  seesEverything,
} from '../policy/principal.js';
import { missingText } from '../policy/checks/parties-exist.js';
import { selectLight } from './listed-rows.js';
import { Member } from './entities/team-member.entity.js';
import { User } from './entities/user.entity.js';
import { userWithEmail } from './user-with-email.js';

/**
 * Selects the live users that the caller may see, without their stored content: the caller, and the members of the
 * teams and organizations it administers. The alias is `u`.
 */
export function visibleUsers(manager: EntityManager, caller: Principal): SelectQueryBuilder<User> {
  const select = selectLight(manager.createQueryBuilder(User, 'u')).where('u.deletedAt IS NULL');
  if (seesEverything(caller)) return select;
  const inTeams = select
    .subQuery()
    .select('vm.userId')
    .from(Member, 'vm')
    .where('vm.teamId IN (:...administeredTeams) AND vm.deletedAt IS NULL');
  const inOrganizations = select
    .subQuery()
    .select('vo.userId')
    .from(OrganizationMember, 'vo')
    .where('vo.organizationId IN (:...administeredOrganizations)');
  return select.andWhere(
    `(u.userId = :callerId OR u.userId IN ${inTeams.getQuery()} OR u.userId IN ${inOrganizations.getQuery()})`,
    {
      callerId: caller.userId,
      // An empty list is not valid SQL, and no id is empty.
      administeredTeams: ['', ...administeredTeams(caller)],
      administeredOrganizations: ['', ...administeredOrganizations(caller)],
    },
  );
}

/** Tells whether the caller may see this user. */
export function maySeeUser(manager: EntityManager, caller: Principal, userId: string): Promise<boolean> {
  return visibleUsers(manager, caller).andWhere('u.userId = :userId', { userId }).getExists();
}

/**
 * Returns the id of the user that a caller names as a member, by id, by address, or by both. Throws 404 if there is no
 * such user, or if the caller may not see it.
 */
export async function visibleUserNamed(
  manager: EntityManager,
  { user_id, user_email }: { readonly user_id?: string | null; readonly user_email?: string | null },
  caller: Principal,
): Promise<string> {
  const withAddress = user_email ? await userWithEmail(manager, user_email) : null;
  const userId = user_id || withAddress?.userId;
  const isOne = !user_email || withAddress?.userId === userId;
  if (userId && isOne && (await maySeeUser(manager, caller, userId))) return userId;
  const id = user_id || user_email || '';
  throw new NotFoundException({ message: missingText({ kind: 'user', id }), param: 'member' });
}
