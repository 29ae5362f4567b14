import type { LimitsDto } from './limits.dto.js';
import type { LimitsRow } from './limits-row.js';
import { toNanoUsd } from './usd.js';

/**
 * Puts sent limits on a row: absent keeps, null clears, `[]`, `0` and `false` are values. A duration that is set
 * or changed is anchored now; one that is sent again as it was keeps its anchor.
 */
export function applyLimits(row: LimitsRow, dto: LimitsDto, now: Date): void {
  if (dto.max_budget !== undefined) row.maxBudgetNanoUsd = toNanoUsd(dto.max_budget);
  if (dto.soft_budget !== undefined) row.softBudgetNanoUsd = toNanoUsd(dto.soft_budget);
  if (dto.budget_duration !== undefined && dto.budget_duration !== row.budgetDuration) {
    row.budgetDuration = dto.budget_duration;
    row.budgetAnchor = dto.budget_duration === null ? null : now;
  }
  if (dto.budget_limits !== undefined) {
    const before = row.budgetLimits ?? [];
    row.budgetLimits =
      dto.budget_limits?.map(({ budget_duration, max_budget }) => ({
        budget_duration,
        max_budget_nano_usd: toNanoUsd(max_budget).toString(),
        anchor: before.find((limit) => limit.budget_duration === budget_duration)?.anchor ?? now.getTime(),
      })) ?? null;
  }
  if (dto.model_max_budget !== undefined) row.modelMaxBudget = dto.model_max_budget;
  if (dto.tpm_limit !== undefined) row.tpmLimit = dto.tpm_limit;
  if (dto.rpm_limit !== undefined) row.rpmLimit = dto.rpm_limit;
  if (dto.max_parallel_requests !== undefined) row.maxParallelRequests = dto.max_parallel_requests;
}
