import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { Member } from '../entities/team-member.entity.js';
import { PartyRepository, PartyRepositoryContext } from './party.repository.js';

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
}

export const pairOf = (teamId: string, userId: string) => JSON.stringify([teamId, userId]);

function membershipOf(pair: string): { teamId: string; userId: string } {
  const [teamId, userId] = JSON.parse(pair) as [string, string];
  return { teamId, userId };
}
