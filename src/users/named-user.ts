import { ConflictException } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { PartyTable } from '../parties/party-table.js';
import type { NewUsers } from './new-users.js';
import type { User } from './user.entity.js';
import { userWithEmail } from './user-with-email.js';

/**
 * Inside a transaction: the id of the user somebody names by id or by address. The user is made if there is none, with the
 * address if it is nobody's. However many transactions name one new address at once, one user is made.
 */
export async function ensureNamedUser(
  tx: EntityManager,
  users: PartyTable<User>,
  { user_id, user_email }: { readonly user_id?: string | null; readonly user_email?: string | null },
  by: string,
  fill: NewUsers['fill'],
): Promise<string> {
  const known = user_email ? await userWithEmail(tx, user_email) : null;
  if (!user_id && known) return known.userId;
  try {
    const user = await users.ensure(tx, user_id || uuidv7(), by, (made, now) => {
      fill(made, now);
      if (!known) made.userEmail = user_email ?? null;
    });
    return user.userId;
  } catch (error) {
    // Another transaction gave the address to somebody in the meantime.
    const winner =
      error instanceof ConflictException && !user_id && user_email && (await userWithEmail(tx, user_email));
    if (!winner) throw error;
    return winner.userId;
  }
}
