import type { AccountState } from './facts.js';
import type { NanoUsd } from './money.js';

/**
 * The one question about money: may `amount` be added to this account under this limit? Decision, explanation
 * and hold all ask it here, but for PostgreSQL's, whose twin in SQL `postgres-hold.spec.ts` compares with `grant`. `spent` means never (for this window); `held` means not while others' calls are open.
 */
export function fits(
  account: AccountState,
  limitNanoUsd: NanoUsd,
  amount: NanoUsd,
): 'fits' | 'held' | 'spent' {
  if (account.spentNanoUsd + amount > limitNanoUsd) return 'spent';
  return account.spentNanoUsd + account.heldNanoUsd + amount > limitNanoUsd ? 'held' : 'fits';
}
