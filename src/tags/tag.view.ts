import { TAG_FIELDS } from '../parties/fields/tag-fields.js';
import { ownFieldsView } from '../parties/fields/own-field.js';
import { authorshipView, budgetTableView, limitsView, withoutNulls } from '../parties/limits.view.js';
import { spendPlaceholder } from '../parties/spend-placeholders.js';
import type { Tag } from '../parties/entities/tag.entity.js';
import type { DynamicTag, TagRow } from './tags.dto.js';

/**
 * Returns a tag as LiteLLM shows it. Its limits (`limited`: filled with its tier's, see `withTiers`) are in a nested
 * table. Limits set on the tag itself are also at the top, where Terraform's provider reads them.
 */
export function tagView(row: Readonly<Tag>, limited: Readonly<Tag>): TagRow {
  const { budget_reset_at: _, model_max_budget, ...limits } = limitsView(row);
  const own = {
    ...limits,
    model_max_budget: row.modelMaxBudget && model_max_budget,
    budget_id: row.budgetId,
  };
  const table = budgetTableView(limited);
  return {
    name: row.name,
    description: row.description,
    models: row.models ?? [],
    model_info: null,
    ...ownFieldsView(TAG_FIELDS, row),
    metadata: row.metadata ?? {},
    blocked: row.blocked,
    ...row.extra,
    spend: spendPlaceholder('tag', limited),
    ...withoutNulls(own),
    litellm_budget_table: table && { ...table, model_max_budget: limited.modelMaxBudget },
    ...authorshipView(row),
  };
}

/** Returns a tag without a row, as LiteLLM shows it in lists. */
export const dynamicTagView = (name: string): DynamicTag => ({
  name,
  description:
    'This is just a spend tag that was passed dynamically in a request. It does not control any LLM models.',
  models: null,
  model_info: null,
});
