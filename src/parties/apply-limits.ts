import type { LimitsDto } from './limits.dto.js';
import type { BudgetLimitRow, Limits } from './limits-row.js';
import { toNanoUsd } from './usd.js';

/**
 * Puts sent limits on a row: absent keeps, null clears, `[]`, `0` and `false` are values. A duration that is set
 * or changed is anchored now; one that is sent again as it was keeps its anchor. A first duration starts at nothing spent;
 * one that is changed goes on with what was spent in its window already.
 */
export function applyLimits(row: Limits, dto: LimitsDto, now: Date): void {
  if (dto.max_budget !== undefined) row.maxBudgetNanoUsd = toNanoUsd(dto.max_budget);
  if (dto.soft_budget !== undefined) row.softBudgetNanoUsd = toNanoUsd(dto.soft_budget);
  if (dto.budget_duration !== undefined && dto.budget_duration !== row.budgetDuration) {
    const isNew = row.budgetDuration === null;
    row.budgetDuration = dto.budget_duration;
    row.budgetAnchor = dto.budget_duration === null ? null : now;
    if (isNew || dto.budget_duration === null) row.budgetSince = row.budgetAnchor;
  }
  if (dto.budget_limits !== undefined) {
    const before = row.budgetLimits ?? [];
    row.budgetLimits =
      dto.budget_limits?.map(({ budget_duration, max_budget }, i) => ({
        budget_duration,
        max_budget_nano_usd: toNanoUsd(max_budget).toString(),
        ...startOf(
          before.find((limit) => limit.budget_duration === budget_duration) ?? before[i],
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

/** From when a further window is counted: as before if it was there, from now if it is new, filled if it was changed. */
function startOf(before: BudgetLimitRow | undefined, duration: string, now: Date) {
  const since = before?.since ?? now.getTime();
  return { since, anchor: before?.budget_duration === duration ? before.anchor : now.getTime() };
}
