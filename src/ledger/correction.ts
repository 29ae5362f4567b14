import type { EntityManager } from 'typeorm';
import { MAX_NANO_USD, type NanoUsd } from '../policy/money.js';
import type { AccountSpec } from './account.js';
import type { Adjustment } from './adjustments.js';
import type { ChainNames } from './billing-chain.js';

/** What somebody's accounts are to say from now on. */
export interface Correction {
  /** The one that is set … */
  readonly account: AccountSpec;
  readonly spentNanoUsd: NanoUsd;
  /** … the others of the same party, which move by as much … */
  readonly along: readonly AccountSpec[];
  /** … and those for one model, which fall by as much, though not below what is left of the first, and never rise. */
  readonly ofModels: readonly AccountSpec[];
  readonly names: Partial<ChainNames>;
  /** Hears of the change, inside its transaction. */
  readonly audit?: (tx: EntityManager, spend: { readonly before: NanoUsd; readonly after: NanoUsd }) => void;
}

/** What an account says after a correction. */
export interface CorrectedAccount {
  readonly id: string;
  readonly spentNanoUsd: NanoUsd;
}

/** The same amount on all of them, as far as each can go. The first is found by its names in reports, which count it once. */
export function adjustmentsFor(
  { account, spentNanoUsd, along, ofModels, names }: Correction,
  spent: ReadonlyMap<string, bigint>,
): Adjustment[] {
  const difference = spentNanoUsd - spent.get(account.id)!;
  const changed = (one: AccountSpec, after: bigint) => {
    const amount = after - spent.get(one.id)!;
    return amount ? [{ account: one, amount }] : [];
  };
  return [
    ...changed(account, spentNanoUsd).map((adjustment) => ({ ...adjustment, names })),
    ...along.flatMap((one) => changed(one, within(spent.get(one.id)! + difference))),
    ...ofModels.flatMap((one) => {
      const before = spent.get(one.id)!;
      return changed(one, smaller(before, larger(spentNanoUsd, before + difference)));
    }),
  ];
}

const smaller = (a: bigint, b: bigint) => (a < b ? a : b);
const larger = (a: bigint, b: bigint) => (a > b ? a : b);
const within = (amount: bigint) => (amount < 0n ? 0n : amount > MAX_NANO_USD ? MAX_NANO_USD : amount);
