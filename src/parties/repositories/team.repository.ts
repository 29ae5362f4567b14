import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { Team } from '../entities/team.entity.js';
import { PartyRepository } from './party.repository.js';
import { PartyRepositoryContext } from './party-repository-context.js';

/** Teams, live and deleted. */
@Injectable()
export class TeamRepository extends PartyRepository<Team> {
  constructor(@InjectRepository(Team) rows: Repository<Team>, context: PartyRepositoryContext) {
    super(
      {
        entity: Team,
        kind: 'team',
        where: (teamId) => ({ teamId }),
        idOf: ({ teamId }) => teamId,
        cacheKey: cacheKey.team,
        title: 'Team',
        param: 'team_id',
      },
      rows,
      context,
    );
  }
}
