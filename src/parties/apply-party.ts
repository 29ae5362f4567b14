import { applyLimits } from './apply-limits.js';
import { applyTemporaryIncrease } from './temporary-increase.js';
import { contentBytes, requireBoundedContent } from './stored-content.js';
import { anyFieldsWhere } from './fields/all-fields.js';
import { storePassthroughFields, type PassthroughColumns } from './passthrough-fields.js';
import type { PartyDto } from './limits.dto.js';
import type { PartyRow } from './party-row.js';

/** Writes a body to a row: absent keeps, null clears, `[]`, `0` and `false` are values. */
export function applyParty(
  row: PartyRow,
  sent: PartyDto & { readonly blocked?: boolean | null },
  passthrough: PassthroughColumns,
  now: Date,
): void {
  const dto = withLimitsFromMetadata(sent, passthrough);
  const bytesBefore = contentBytes(row, passthrough);
  applyLimits(row, dto, now);
  if (dto.models !== undefined) row.models = dto.models;
  if (dto.budget_id !== undefined) row.budgetId = dto.budget_id || null;
  if (dto.metadata !== undefined) row.metadata = dto.metadata;
  if (dto.blocked !== undefined) row.blocked = dto.blocked ?? false;
  storePassthroughFields(row, dto, passthrough);
  requireBoundedContent(row, passthrough, bytesBefore);
  applyTemporaryIncrease(row, dto);
}

/** Limits that LiteLLM stores inside `metadata` and that are fields of their own here. */
const LIMITS_IN_METADATA = [...anyFieldsWhere(({ inMetadata }) => inMetadata === 'limit')];

/** Moves the limits inside `metadata` to fields of their own. A field that the body sets itself wins. */
function withLimitsFromMetadata<T extends PartyDto>(dto: T, passthrough: PassthroughColumns): T {
  const { metadata } = dto;
  if (!metadata) return dto;
  const inside = LIMITS_IN_METADATA.filter(
    (name) => Object.hasOwn(passthrough, name) && metadata[name] !== undefined && metadata[name] !== null,
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
