import { v7 as uuidv7 } from 'uuid';
import type { LiveAccount } from './account.js';

/** Whom one call is billed to, captured when its hold is taken. */
export interface BillingChain {
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

export function newChain(names: ChainNames, accounts: readonly LiveAccount[]): BillingChain {
  return { id: uuidv7(), names, accounts, stored: false };
}
