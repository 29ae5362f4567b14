import { type EntityManager, IsNull } from 'typeorm';
import { foldedAddress } from '../platform/folded-address.js';
import { User } from './entities/user.entity.js';

/** The live user with this address, whatever the case of its letters A to Z; null when there is none. */
export async function userWithEmail(manager: EntityManager, email: string): Promise<User | null> {
  const foldedEmail = foldedAddress(email);
  const user = await manager.findOneBy(User, { foldedEmail, deletedAt: IsNull() });
  // A version that does not know the folded column may have given the user another address since.
  return user?.userEmail && foldedAddress(user.userEmail) === foldedEmail ? user : null;
}
