import type { AuthoredRow } from '../database/authored-row.js';
import { nanoUsd } from '../policy/money.js';
import { budgetResetPlaceholder } from './spend-placeholders.js';
import type { AuthoredResponse, BudgetTable } from './limits-response.dto.js';
import type { Limits } from './limits-row.js';
import { toUsd } from './usd.js';

/** Returns the limits as LiteLLM shows them. A limit that is not set is null. */
export function limitsView(row: Readonly<Limits> & { readonly budgetId?: string | null }) {
  return {
    max_budget: toUsd(row.maxBudgetNanoUsd),
    soft_budget: toUsd(row.softBudgetNanoUsd),
    budget_duration: row.budgetDuration,
    budget_reset_at: budgetResetPlaceholder(row),
    budget_limits:
      row.budgetLimits?.map(({ budget_duration, max_budget_nano_usd }) => ({
        budget_duration,
        max_budget: toUsd(nanoUsd(BigInt(max_budget_nano_usd))),
      })) ?? null,
    model_max_budget: row.modelMaxBudget ?? {},
    tpm_limit: row.tpmLimit,
    rpm_limit: row.rpmLimit,
    max_parallel_requests: row.maxParallelRequests,
  };
}

/**
 * Returns the nested `litellm_budget_table` of parties whose limits LiteLLM stores in a row of their own; null without
 * limits.
 */
export function budgetTableView(
  row: Readonly<Limits> & { readonly budgetId: string | null },
): BudgetTable | null {
  const { budget_limits: _, ...limits } = limitsView(row);
  const set = Object.values({ ...limits, model_max_budget: row.modelMaxBudget }).some(
    (limit) => limit !== null,
  );
  return set || row.budgetId !== null ? { budget_id: row.budgetId, ...limits } : null;
}

/** Drops the fields that are null, for views that show only what is set. */
export const withoutNulls = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as {
    [Field in keyof T]?: NonNullable<T[Field]>;
  };

/** Returns the author and time of the first and the last write of a row. */
export function authorshipView(row: Readonly<AuthoredRow>): AuthoredResponse {
  return {
    created_at: row.createdAt.toISOString(),
    created_by: row.createdBy,
    updated_at: row.updatedAt.toISOString(),
    updated_by: row.updatedBy,
  };
}
