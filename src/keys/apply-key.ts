import { lifetimeEnd } from '../calendar/windows.js';
import { KEY_FIELDS } from '../parties/fields/key-fields.js';
import { applyParty } from '../parties/apply-party.js';
import { type KeyFieldsDto } from './keys.dto.js';
import type { VirtualKey } from '../parties/entities/virtual-key.entity.js';

/** Writes a body to a key: absent keeps, null clears. A lifetime starts at `now`. */
export function applyKey(row: VirtualKey, dto: KeyFieldsDto, now: Date): void {
  applyParty(row, dto, KEY_FIELDS, now);
  if (dto.key_alias !== undefined) row.keyAlias = dto.key_alias || null;
  if (dto.user_id !== undefined) row.userId = dto.user_id || null;
  if (dto.team_id !== undefined) row.teamId = dto.team_id || null;
  if (dto.organization_id !== undefined) row.organizationId = dto.organization_id || null;
  if (dto.allowed_routes !== undefined) row.allowedRoutes = dto.allowed_routes;
  if (dto.aliases !== undefined) row.aliases = dto.aliases;
  if (dto.duration !== undefined) {
    row.expiresAt =
      dto.duration === null || dto.duration === '-1' ? null : (lifetimeEnd(now, dto.duration) ?? null);
  }
}
