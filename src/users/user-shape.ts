import { ConflictException } from '@nestjs/common';
import { cacheKey } from '../cache/changes.js';
import type { PartyShape } from '../parties/party-table.js';
import { User } from './user.entity.js';

/** How users are stored: for the users' room, and for those that bring users into being (keys, teams). */
export const userShape: PartyShape<User> = {
  entity: User,
  kind: 'user',
  where: (userId) => ({ userId }),
  idOf: ({ userId }) => userId,
  cacheKey: cacheKey.user,
  title: 'User',
  param: 'user_id',
  unique: [
    { property: 'foldedEmail', index: 'live_user_email', taken: ({ userEmail }) => emailTaken(userEmail) },
    { property: 'ssoUserId', index: 'live_sso_user_id', taken: ({ ssoUserId }) => ssoTaken(ssoUserId) },
  ],
};

/** The refusal of an address that another live user has. */
export const emailTaken = (email: string | null) =>
  new ConflictException({ message: `User with email ${email} already exists`, param: 'user_email' });

/** The refusal of a login id that another live user has. */
export const ssoTaken = (id: string | null) =>
  new ConflictException({ message: `User with sso_user_id ${id} already exists`, param: 'sso_user_id' });
