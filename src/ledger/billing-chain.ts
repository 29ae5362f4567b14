import { createHash } from 'node:crypto';
import type { LiveAccount } from './account.js';

/** Whom one call is billed to, captured when its hold is taken. */
export interface BillingChain {
  /** Of the same names and accounts always the same, in every process. */
  readonly id: string;
  readonly names: ChainNames;
  readonly accounts: readonly LiveAccount[];
  /** Set once its rows are committed. */
  stored: boolean;
}

/** What reports call the parties of a chain. */
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
