import { applyLimits } from './apply-limits.js';
import { applyTemporaryIncrease } from './temporary-increase.js';
import { keepFields, type KeptFields } from './kept-fields.js';
import type { PartyDto } from './limits.dto.js';
import type { PartyRow } from './party-row.js';

/** Puts what was sent on a row: absent keeps, null clears, `[]`, `0` and `false` are values. */
export function applyParty(
  row: PartyRow,
  dto: PartyDto & { readonly blocked?: boolean | null },
  kept: KeptFields,
  now: Date,
): void {
  applyLimits(row, dto, now);
  if (dto.models !== undefined) row.models = dto.models;
  if (dto.budget_id !== undefined) row.budgetId = dto.budget_id || null;
  if (dto.metadata !== undefined) row.metadata = dto.metadata;
  if (dto.blocked !== undefined) row.blocked = dto.blocked ?? false;
  keepFields(row, dto, kept);
  applyTemporaryIncrease(row, dto);
}
