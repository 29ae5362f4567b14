import { haveSameWindows } from '../calendar/windows.js';
import type { LimitsDto } from './limits.dto.js';
import type { BudgetLimitRow, Limits } from './limits-row.js';
import { toNanoUsd } from './usd.js';

/**
 * Writes the limits of a body to a row: absent keeps, null clears, `[]`, `0` and `false` are values. A new or changed
 * duration is anchored at `now`; an unchanged one keeps its anchor, also in another spelling. The first duration starts with no spending. A
 * changed duration keeps the spending of its window.
 */
export function applyLimits(row: Limits, dto: LimitsDto, now: Date): void {
  if (dto.max_budget !== undefined) row.maxBudgetNanoUsd = toNanoUsd(dto.max_budget);
  if (dto.soft_budget !== undefined) row.softBudgetNanoUsd = toNanoUsd(dto.soft_budget);
  if (dto.budget_duration !== undefined) {
    const before = row.budgetDuration;
    row.budgetDuration = dto.budget_duration;
    if (!haveSameWindows(before, dto.budget_duration)) {
      row.budgetAnchor = dto.budget_duration === null ? null : now;
      if (before === null || dto.budget_duration === null) row.budgetSince = row.budgetAnchor;
    }
  }
  if (dto.budget_limits !== undefined) {
    const before = row.budgetLimits ?? [];
    row.budgetLimits =
      dto.budget_limits?.map(({ budget_duration, max_budget }, i) => ({
        budget_duration,
        max_budget_nano_usd: toNanoUsd(max_budget).toString(),
        ...startOf(
          before.find((limit) => haveSameWindows(limit.budget_duration, budget_duration)) ?? before[i],
          budget_duration,
          now,
        ),
      })) ?? null;
  }
  if (dto.model_max_budget !== undefined) row.modelMaxBudget = dto.model_max_budget;
  if (dto.tpm_limit !== undefined) row.tpmLimit = dto.tpm_limit;
  if (dto.rpm_limit !== undefined) row.rpmLimit = dto.rpm_limit;
  if (dto.max_parallel_requests !== undefined) row.maxParallelRequests = dto.max_parallel_requests;
}

/**
 * Returns the start of a further window: the stored start for a kept window, `now` for a new one. A changed duration
 * keeps the start of its spending and is anchored at `now`.
 */
function startOf(before: BudgetLimitRow | undefined, duration: string, now: Date) {
  const since = before?.since ?? now.getTime();
  const isKept = before !== undefined && haveSameWindows(before.budget_duration, duration);
  return { since, anchor: isKept ? before.anchor : now.getTime() };
}
