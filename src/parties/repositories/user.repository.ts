import { ConflictException, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { User } from '../entities/user.entity.js';
import { PartyRepository, PartyRepositoryContext } from './party.repository.js';

/** Users, live and deleted. */
@Injectable()
export class UserRepository extends PartyRepository<User> {
  constructor(@InjectRepository(User) rows: Repository<User>, context: PartyRepositoryContext) {
    super(
      {
        entity: User,
        kind: 'user',
        where: (userId) => ({ userId }),
        idOf: ({ userId }) => userId,
        cacheKey: cacheKey.user,
        title: 'User',
        param: 'user_id',
        unique: [
          {
            property: 'foldedEmail',
            index: 'live_user_email',
            refusal: ({ userEmail }) => emailTaken(userEmail),
          },
          {
            property: 'ssoUserId',
            index: 'live_sso_user_id',
            refusal: ({ ssoUserId }) => ssoTaken(ssoUserId),
          },
        ],
      },
      rows,
      context,
    );
  }
}

/** Returns the refusal of an address that another live user has. */
export const emailTaken = (email: string | null) =>
  new ConflictException({ message: `User with email ${email} already exists`, param: 'user_email' });

/** Returns the refusal of a login id that another live user has. */
export const ssoTaken = (id: string | null) =>
  new ConflictException({ message: `User with sso_user_id ${id} already exists`, param: 'sso_user_id' });
