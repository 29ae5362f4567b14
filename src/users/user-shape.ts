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
};
