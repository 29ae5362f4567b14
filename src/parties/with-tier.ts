import { nanoUsdFromUsd } from '../policy/money.js';
import type { Limits } from './limits-row.js';

/** Limits that apply where a party leaves its own open. */
export type DefaultLimits = Readonly<
  Pick<
    Limits,
    'maxBudgetNanoUsd' | 'budgetDuration' | 'budgetAnchor' | 'budgetSince' | 'tpmLimit' | 'rpmLimit'
  > &
    Partial<Limits>
> & {
  /** True if the window also applies to an amount of the party's own. */
  readonly windowOfOwnAmount?: boolean;
};

/** Returns the limits of a budget that every party of a kind has by default: an amount, and nothing else. */
export const defaultBudget = (maxBudgetUsd: number | undefined): DefaultLimits | null =>
  maxBudgetUsd === undefined
    ? null
    : Object.freeze({
        maxBudgetNanoUsd: nanoUsdFromUsd(maxBudgetUsd)!,
        budgetDuration: null,
        budgetAnchor: null,
        budgetSince: null,
        tpmLimit: null,
        rpmLimit: null,
      });

/**
 * Fills the limits that a party leaves open with those of its tier. A party with an amount of its own keeps its own
 * window, unless `windowOfOwnAmount` is set.
 */
export function withTier<T extends Limits>(
  row: Readonly<T>,
  tier: DefaultLimits | null | undefined,
): Readonly<T> {
  if (!tier) return row;
  const hasWindow = row.budgetDuration !== null || (row.maxBudgetNanoUsd !== null && !tier.windowOfOwnAmount);
  const { budgetDuration, budgetAnchor, budgetSince } = hasWindow ? row : tier;
  return {
    ...row,
    maxBudgetNanoUsd: row.maxBudgetNanoUsd ?? tier.maxBudgetNanoUsd,
    budgetDuration,
    budgetAnchor,
    budgetSince,
    softBudgetNanoUsd: row.softBudgetNanoUsd ?? tier.softBudgetNanoUsd ?? null,
    budgetLimits: row.budgetLimits ?? tier.budgetLimits ?? null,
    modelMaxBudget: row.modelMaxBudget ?? tier.modelMaxBudget ?? null,
    tpmLimit: row.tpmLimit ?? tier.tpmLimit,
    rpmLimit: row.rpmLimit ?? tier.rpmLimit,
    maxParallelRequests: row.maxParallelRequests ?? tier.maxParallelRequests ?? null,
  };
}
