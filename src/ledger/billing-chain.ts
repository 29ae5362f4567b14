import { createHash } from 'node:crypto';
import type { LiveAccount } from './account.js';

/** The accounts that one call is billed to, captured at its hold. */
export interface BillingChain {
  /** A hash of the names and accounts, so every process computes the same id. */
  readonly id: string;
  readonly names: ChainNames;
  readonly accounts: readonly LiveAccount[];
  /** True once the rows of the chain are committed. */
  stored: boolean;
}

/** The names of the parties of a chain, for reports. */
export interface ChainNames {
  readonly keyHash: string | null;
  readonly keyAlias: string | null;
  readonly userId: string | null;
  readonly teamId: string | null;
  readonly organizationId: string | null;
  readonly endUserId: string | null;
}

const ID_CHARS = 32;

export function newChain(names: ChainNames, accounts: readonly LiveAccount[]): BillingChain {
  const { keyHash, keyAlias, userId, teamId, organizationId, endUserId } = names;
  const content = [
    [keyHash, keyAlias, userId, teamId, organizationId, endUserId],
    accounts.map(({ id }) => id),
  ];
  const id = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, ID_CHARS);
  return { id, names, accounts, stored: false };
}
