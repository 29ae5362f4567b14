import { KEY_FIELDS } from '../parties/fields/key-fields.js';
import { ownFieldsView } from '../parties/fields/own-field.js';
import { fieldsWhere } from '../parties/fields/read-fields.js';
import { authorshipView, limitsView } from '../parties/limits.view.js';
import { spendPlaceholder, tierPlaceholder } from '../parties/spend-placeholders.js';
import type { KeyDetails, KeyRow } from './keys.dto.js';
import type { VirtualKey } from '../parties/entities/virtual-key.entity.js';

/** Fields that LiteLLM shows inside a key's `metadata`. */
const INSIDE_METADATA = fieldsWhere(KEY_FIELDS, ({ shownInMetadata }) => shownInMetadata === true);

/** Returns a key as LiteLLM shows it, without its secret. */
export function keyView(row: Readonly<VirtualKey>): KeyRow {
  const { extra } = row;
  const inside = Object.fromEntries(
    Object.entries(extra ?? {}).filter(([name]) => INSIDE_METADATA.includes(name)),
  );
  return {
    token: row.secretHash,
    key_name: row.keyName,
    key_alias: row.keyAlias,
    spend: spendPlaceholder('key', row),
    ...limitsView(row),
    ...ownFieldsView(KEY_FIELDS, row),
    expires: row.expiresAt?.toISOString() ?? null,
    models: row.models ?? [],
    aliases: row.aliases ?? {},
    config: {},
    permissions: {},
    allowed_cache_controls: [],
    rotation_count: row.rotationCount,
    last_rotation_at: row.lastRotatedAt?.toISOString() ?? null,
    ...extra,
    metadata: { ...row.metadata, ...inside },
    user_id: row.userId,
    team_id: row.teamId,
    organization_id: row.organizationId,
    allowed_routes: row.allowedRoutes ?? [],
    blocked: row.blocked,
    budget_id: row.budgetId,
    litellm_budget_table: tierPlaceholder(row),
    ...authorshipView(row),
  };
}

/** Returns a key for responses that show its hash beside it. */
export function keyInfo(row: Readonly<VirtualKey>): KeyDetails {
  const { token: _, ...info } = keyView(row);
  return info;
}
