import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, IsNull, Repository } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { Member } from '../entities/team-member.entity.js';
import { User } from '../entities/user.entity.js';
import { PartyRepository } from './party.repository.js';
import { PartyRepositoryContext } from './party-repository-context.js';

/** Memberships of users in teams, live and deleted. The id of a membership is `pairOf` its team and user. */
@Injectable()
export class MemberRepository extends PartyRepository<Member> {
  constructor(@InjectRepository(Member) rows: Repository<Member>, context: PartyRepositoryContext) {
    super(
      {
        entity: Member,
        kind: 'member',
        where: (pair) => membershipOf(pair),
        idOf: ({ teamId, userId }) => pairOf(teamId, userId),
        cacheKey: (pair) => cacheKey.membership(membershipOf(pair).teamId, membershipOf(pair).userId),
        title: 'Team member',
        param: 'user_id',
      },
      rows,
      context,
    );
  }

  /** Returns the members of these teams with the addresses of their users, by team, in the order they joined. */
  async inTeams(
    manager: EntityManager,
    teamIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly NamedMember[]>> {
    const members = (await this.in(manager)
      .createQueryBuilder('m')
      .leftJoinAndMapOne('m.user', User, 'u', 'u.userId = m.userId')
      .where({ teamId: In(teamIds), deletedAt: IsNull() })
      .orderBy('m.createdAt')
      .addOrderBy('m.id')
      .getMany()) as (Member & { readonly user?: User | null })[];
    const byTeam = new Map<string, NamedMember[]>(teamIds.map((teamId) => [teamId, []]));
    for (const member of members) {
      byTeam.get(member.teamId)!.push({ member, userEmail: member.user?.userEmail ?? null });
    }
    return byTeam;
  }

  /** Returns the members of one team, in the order they joined. */
  async inTeam(manager: EntityManager, teamId: string): Promise<readonly NamedMember[]> {
    return (await this.inTeams(manager, [teamId])).get(teamId)!;
  }

  /** Returns the teams of these users, by user, in the order they joined. */
  async teamIdsOf(manager: EntityManager, userIds: readonly string[]): Promise<Map<string, string[]>> {
    const members = await this.in(manager).find({
      where: { userId: In(userIds), deletedAt: IsNull() },
      order: { createdAt: 'ASC', id: 'ASC' },
    });
    const teams = new Map<string, string[]>();
    for (const { userId, teamId } of members) teams.set(userId, [...(teams.get(userId) ?? []), teamId]);
    return teams;
  }
}

/** A member and the address of its user. */
export interface NamedMember {
  readonly member: Member;
  readonly userEmail: string | null;
}

/** Returns the cache keys of what a change of this membership evicts. */
export const memberCacheKeys = ({ teamId, userId }: Pick<Member, 'teamId' | 'userId'>) => [
  cacheKey.membership(teamId, userId),
  cacheKey.user(userId),
];

export const pairOf = (teamId: string, userId: string) => JSON.stringify([teamId, userId]);

function membershipOf(pair: string): { teamId: string; userId: string } {
  const [teamId, userId] = JSON.parse(pair) as [string, string];
  return { teamId, userId };
}
