import { type EntityManager, In } from 'typeorm';
import type { Limits } from './limits-row.js';
import { Budget } from './entities/budget.entity.js';

/** Limits that count where a party leaves its own open. */
export type DefaultLimits = Readonly<
  Pick<
    Limits,
    'maxBudgetNanoUsd' | 'budgetDuration' | 'budgetAnchor' | 'budgetSince' | 'tpmLimit' | 'rpmLimit'
  > &
    Partial<Limits>
> & {
  /** Does the window count for an amount of the party's own, too? */
  readonly windowOfOwnAmount?: boolean;
};

/** A party with the limits that count: its own, and its tier's where it leaves one open. An amount of its own brings its own window, unless the tier says otherwise. */
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

/** These parties with the limits that count. */
export async function withTiers<T extends Limits & { readonly budgetId: string | null }>(
  manager: EntityManager,
  rows: readonly T[],
): Promise<Readonly<T>[]> {
  const budgetIds = new Set(rows.flatMap(({ budgetId }) => budgetId ?? []));
  if (!budgetIds.size) return [...rows];
  const tiers = await manager.findBy(Budget, { budgetId: In([...budgetIds]) });
  const byId = new Map(tiers.map((tier) => [tier.budgetId, tier]));
  return rows.map((row) => withTier<T>(row, row.budgetId === null ? null : byId.get(row.budgetId)));
}
