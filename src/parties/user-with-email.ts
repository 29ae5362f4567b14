import { type EntityManager, IsNull } from 'typeorm';
import { foldedAddress } from '../platform/folded-address.js';
import { User } from './entities/user.entity.js';

/** Returns the live user with this address; null if there is none. The case of the letters A to Z does not matter. */
export async function userWithEmail(manager: EntityManager, email: string): Promise<User | null> {
  const foldedEmail = foldedAddress(email);
  const user = await manager.findOneBy(User, { foldedEmail, deletedAt: IsNull() });
  // An older version, which does not know the folded column, may have changed the address since.
  return user?.userEmail && foldedAddress(user.userEmail) === foldedEmail ? user : null;
}
