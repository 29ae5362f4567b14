import { ConflictException } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { UserRepository } from './repositories/user.repository.js';
import type { UserDefaults } from './user-defaults.js';
import { userWithEmail } from './user-with-email.js';

/**
 * Returns the id of the user that a body names by id or by address. Must run inside a transaction. Creates the user if
 * it does not exist, with the address if no user has it. Concurrent transactions that name one new address create one
 * user. No other transaction deletes the user until this one ends.
 */
export async function ensureNamedUser(
  tx: EntityManager,
  users: UserRepository,
  { user_id, user_email }: { readonly user_id?: string | null; readonly user_email?: string | null },
  by: string,
  fill: UserDefaults['apply'],
): Promise<string> {
  const userOfAddress = user_email ? await userWithEmail(tx, user_email) : null;
  const ensure = (id: string, address: string | null) =>
    users.ensureLocked(tx, id, by, (user, now) => {
      fill(user, now);
      user.userEmail = address;
    });
  try {
    const id = user_id || userOfAddress?.userId || uuidv7();
    const hasAddress = !userOfAddress || userOfAddress.userId === id;
    return (await ensure(id, hasAddress ? (user_email ?? null) : null)).userId;
  } catch (error) {
    // Another transaction has given the address to a user in the meantime.
    const winner =
      error instanceof ConflictException && !user_id && user_email && (await userWithEmail(tx, user_email));
    if (!winner) throw error;
    return (await ensure(winner.userId, user_email)).userId;
  }
}
