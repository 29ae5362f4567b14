import { END_USER_FIELDS } from '../parties/fields/end-user-fields.js';
import { ownFieldsView } from '../parties/fields/own-field.js';
import { budgetTableView } from '../parties/limits.view.js';
import { spendPlaceholder } from '../parties/spend-placeholders.js';
import type { EndUser } from '../parties/entities/end-user.entity.js';
import type { EndUserRow } from './end-users.dto.js';

/** Returns an end user as LiteLLM shows it, with its limits (see `withTiers`) in a nested table. */
export function endUserView(row: Readonly<EndUser>): EndUserRow {
  const table = budgetTableView(row);
  return {
    user_id: row.userId,
    blocked: row.blocked,
    alias: row.alias,
    spend: spendPlaceholder('end_user', row),
    allowed_model_region: row.allowedModelRegion,
    default_model: row.defaultModel,
    litellm_budget_table: table && { ...table, model_max_budget: row.modelMaxBudget },
    object_permission_id: null,
    object_permission: null,
    ...ownFieldsView(END_USER_FIELDS, row),
    ...row.extra,
  };
}
