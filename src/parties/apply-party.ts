import { applyLimits } from './apply-limits.js';
import { applyTemporaryIncrease } from './temporary-increase.js';
import { contentBytes, requireBoundedContent } from './stored-content.js';
import { anyFieldsWhere } from './fields/all-fields.js';
import type { Fields } from './fields/field.js';
import { applyOwnFields } from './fields/own-field.js';
import { storePassthroughFields } from './passthrough-fields.js';
import type { PartyDto } from './limits.dto.js';
import type { PartyRow } from './party-row.js';

/** Writes a body to a row: absent keeps, null clears, `[]`, `0` and `false` are values. */
export function applyParty(
  row: PartyRow,
  sent: PartyDto & { readonly blocked?: boolean | null },
  declared: Fields,
  now: Date,
): void {
  const dto = withLimitsFromMetadata(sent, declared);
  const bytesBefore = contentBytes(row, declared);
  applyLimits(row, dto, now);
  if (dto.models !== undefined) row.models = dto.models;
  if (dto.budget_id !== undefined) row.budgetId = dto.budget_id || null;
  if (dto.metadata !== undefined) row.metadata = dto.metadata;
  if (dto.blocked !== undefined) row.blocked = dto.blocked ?? false;
  applyOwnFields(row, dto, declared);
  storePassthroughFields(row, dto, declared);
  requireBoundedContent(row, declared, bytesBefore);
  applyTemporaryIncrease(row, dto);
}

/** Limits that LiteLLM stores inside `metadata` and that are fields of their own here. */
const LIMITS_IN_METADATA = [...anyFieldsWhere(({ inMetadata }) => inMetadata === 'limit')];

/** Moves the limits inside `metadata` to fields of their own. A field that the body sets itself wins. */
function withLimitsFromMetadata<T extends PartyDto>(dto: T, declared: Fields): T {
  const { metadata } = dto;
  if (!metadata) return dto;
  const inside = LIMITS_IN_METADATA.filter(
    (name) => Object.hasOwn(declared, name) && metadata[name] !== undefined && metadata[name] !== null,
  );
  if (!inside.length) return dto;
  const fields = { ...dto } as Record<string, unknown>;
  const rest = { ...metadata };
  for (const name of inside) {
    fields[name] ??= metadata[name];
    delete rest[name];
  }
  return { ...fields, metadata: rest } as unknown as T;
}
