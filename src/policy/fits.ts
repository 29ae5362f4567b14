import type { AccountState } from './facts.js';
import type { NanoUsd } from './money.js';

/**
 * Tells whether `amount` may be added to this account under this limit. Decision, explanation and hold all ask it;
 * PostgreSQL has the same rule in SQL, and `test/money/postgres-hold.spec.ts` compares the two. `spent`: not within this
 * window. `held`: not while other calls are open.
 */
export function fits(
  account: AccountState,
  limitNanoUsd: NanoUsd,
  amount: NanoUsd,
): 'fits' | 'held' | 'spent' {
  if (account.spentNanoUsd + amount > limitNanoUsd) return 'spent';
  return account.spentNanoUsd + account.heldNanoUsd + amount > limitNanoUsd ? 'held' : 'fits';
}
