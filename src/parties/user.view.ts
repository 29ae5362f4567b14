import { ownFieldsView } from './fields/own-field.js';
import { USER_FIELDS } from './fields/user-fields.js';
import { authorshipView, limitsView } from './limits.view.js';
import { spendPlaceholder, tierPlaceholder } from './spend-placeholders.js';
import type { User } from './entities/user.entity.js';
import type { UserRow } from './user-row.dto.js';

/** Returns a user as LiteLLM shows it. */
export function userView(row: Readonly<User>, teams: readonly string[]): UserRow {
  return {
    user_id: row.userId,
    user_alias: row.userAlias,
    user_email: row.userEmail,
    user_role: row.userRole,
    sso_user_id: row.ssoUserId,
    teams: [...teams],
    models: row.models ?? [],
    ...row.extra,
    metadata: row.metadata ?? {},
    spend: spendPlaceholder('user', row),
    ...limitsView(row),
    ...ownFieldsView(USER_FIELDS, row),
    budget_id: row.budgetId,
    litellm_budget_table: tierPlaceholder(row),
    blocked: row.blocked,
    ...authorshipView(row),
  };
}
