import { type EntityManager, In, IsNull } from 'typeorm';
import { cacheKey } from '../cache/change-epochs.js';
import type { TeamRepository } from '../parties/repositories/team.repository.js';
import { User } from '../parties/entities/user.entity.js';
import { userView } from '../parties/user.view.js';
import type { UserRow } from '../parties/user-row.dto.js';
import { Member } from '../parties/entities/team-member.entity.js';
import { Team } from '../parties/entities/team.entity.js';
import type { NamedMember } from './team.view.js';

/** Who is in these teams, by team, in the order they came. */
export class TeamMemberLists {
  private constructor(private readonly byTeam: ReadonlyMap<string, NamedMember[]>) {}

  static async read(manager: EntityManager, teamIds: readonly string[]): Promise<TeamMemberLists> {
    const byTeam = new Map<string, NamedMember[]>(teamIds.map((teamId) => [teamId, []]));
    for (const member of await membersOf(manager, teamIds)) {
      byTeam.get(member.teamId)!.push({ member, userEmail: member.user?.userEmail ?? null });
    }
    return new TeamMemberLists(byTeam);
  }

  of(teamId: string): readonly NamedMember[] {
    return this.byTeam.get(teamId) ?? [];
  }
}

function membersOf(manager: EntityManager, teamIds: readonly string[]) {
  return manager
    .createQueryBuilder(Member, 'm')
    .leftJoinAndMapOne('m.user', User, 'u', 'u.userId = m.userId')
    .where({ teamId: In(teamIds), deletedAt: IsNull() })
    .orderBy('m.createdAt')
    .addOrderBy('m.id')
    .getMany() as Promise<(Member & { readonly user?: User | null })[]>;
}

/** Who is in this team, in the order they came. */
export async function teamMembers(manager: EntityManager, teamId: string): Promise<readonly NamedMember[]> {
  return (await TeamMemberLists.read(manager, [teamId])).of(teamId);
}

/** These users as LiteLLM tells them, in the order asked for. */
export async function userRows(manager: EntityManager, userIds: readonly string[]): Promise<UserRow[]> {
  const users = await manager.findBy(User, { userId: In(userIds), deletedAt: IsNull() });
  const memberships = await manager.find(Member, {
    where: { userId: In(userIds), deletedAt: IsNull() },
    order: { createdAt: 'ASC', id: 'ASC' },
  });
  const teamsOf = (id: string) =>
    memberships.filter(({ userId }) => userId === id).map(({ teamId }) => teamId);
  return userIds.flatMap((id) =>
    users.filter(({ userId }) => userId === id).map((user) => userView(user, teamsOf(id))),
  );
}

/** The live team, locked against other changes of its roster until this transaction ends. 404 when there is none. */
export async function lockedTeam(tx: EntityManager, teams: TeamRepository, teamId: string): Promise<Team> {
  const team = await teams.findForUpdate(tx, teamId);
  if (!team) throw teams.notFound(teamId);
  return team;
}

/** What a change of this membership evicts. */
export const teamCacheKeys = ({ member: { teamId, userId } }: { readonly member: Member }) => [
  cacheKey.membership(teamId, userId),
  cacheKey.user(userId),
];
