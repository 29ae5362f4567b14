import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { EndUser } from '../entities/end-user.entity.js';
import { PartyRepository } from './party.repository.js';
import { PartyRepositoryContext } from './party-repository-context.js';

/** End users, live and deleted. */
@Injectable()
export class EndUserRepository extends PartyRepository<EndUser> {
  constructor(@InjectRepository(EndUser) rows: Repository<EndUser>, context: PartyRepositoryContext) {
    super(
      {
        entity: EndUser,
        kind: 'end_user',
        where: (userId) => ({ userId }),
        idOf: ({ userId }) => userId,
        cacheKey: cacheKey.endUser,
        title: 'Customer',
        param: 'user_id',
      },
      rows,
      context,
    );
  }
}
