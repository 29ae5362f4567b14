import type { EntityManager } from 'typeorm';
import { MAX_NANO_USD, type NanoUsd } from '../policy/money.js';
import type { AccountSpec } from './account.js';
import type { Adjustment } from './adjustments.js';
import type { ChainNames } from './billing-chain.js';

/** A new spend for the accounts of one party. */
export interface Correction {
  /** The account that is set to `spentNanoUsd`. */
  readonly account: AccountSpec;
  readonly spentNanoUsd: NanoUsd;
  /** Other accounts of the same party. They change by the same amount. */
  readonly siblings: readonly AccountSpec[];
  /**
   * Accounts of the party for one model. They fall by the same amount, not below the new spend of `account`. They
   * never rise.
   */
  readonly modelAccounts: readonly AccountSpec[];
  readonly names: Partial<ChainNames>;
  /** Called with the change, inside its transaction. */
  readonly audit?: (tx: EntityManager, spend: { readonly before: NanoUsd; readonly after: NanoUsd }) => void;
}

/** The spend of an account after a correction. */
export interface CorrectedAccount {
  readonly id: string;
  readonly spentNanoUsd: NanoUsd;
}

/**
 * Returns the adjustments for all accounts of a correction. Only the first carries names, so reports count the change
 * once.
 */
export function adjustmentsFor(
  { account, spentNanoUsd, siblings, modelAccounts, names }: Correction,
  spent: ReadonlyMap<string, bigint>,
): Adjustment[] {
  const difference = spentNanoUsd - spent.get(account.id)!;
  const adjustmentTo = (target: AccountSpec, after: bigint) => {
    const amount = after - spent.get(target.id)!;
    return amount ? [{ account: target, amount }] : [];
  };
  return [
    ...adjustmentTo(account, spentNanoUsd).map((adjustment) => ({ ...adjustment, names })),
    ...siblings.flatMap((target) => adjustmentTo(target, clampToRange(spent.get(target.id)! + difference))),
    ...modelAccounts.flatMap((target) => {
      const before = spent.get(target.id)!;
      return adjustmentTo(target, smaller(before, larger(spentNanoUsd, before + difference)));
    }),
  ];
}

const smaller = (a: bigint, b: bigint) => (a < b ? a : b);
const larger = (a: bigint, b: bigint) => (a > b ? a : b);
const clampToRange = (amount: bigint) => (amount < 0n ? 0n : amount > MAX_NANO_USD ? MAX_NANO_USD : amount);
