import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import { OrganizationMember } from './entities/organization-member.entity.js';
import {
  administeredOrganizations,
  administeredTeams,
  type Principal,
  seesEverything,
} from '../policy/principal.js';
import { selectLight } from './listed-rows.js';
import { Member } from './entities/team-member.entity.js';
import { User } from './entities/user.entity.js';

/** The live users that concern a caller, without what is kept with them: themself, and who is in the teams and organizations they administer. Alias `u`. */
export function visibleUsers(manager: EntityManager, caller: Principal): SelectQueryBuilder<User> {
  const select = selectLight(manager.createQueryBuilder(User, 'u')).where('u.deletedAt IS NULL');
  if (seesEverything(caller)) return select;
  const inTeams = select
    .subQuery()
    .select('vm.userId')
    .from(Member, 'vm')
    .where('vm.teamId IN (:...theirTeams) AND vm.deletedAt IS NULL');
  const inOrganizations = select
    .subQuery()
    .select('vo.userId')
    .from(OrganizationMember, 'vo')
    .where('vo.organizationId IN (:...theirOrganizations)');
  return select.andWhere(
    `(u.userId = :themself OR u.userId IN ${inTeams.getQuery()} OR u.userId IN ${inOrganizations.getQuery()})`,
    {
      themself: caller.userId,
      // An empty list is no SQL; nobody's id is empty.
      theirTeams: ['', ...administeredTeams(caller)],
      theirOrganizations: ['', ...administeredOrganizations(caller)],
    },
  );
}

/** Does this user concern the caller? */
export function maySeeUser(manager: EntityManager, caller: Principal, userId: string): Promise<boolean> {
  return visibleUsers(manager, caller).andWhere('u.userId = :asked', { asked: userId }).getExists();
}
