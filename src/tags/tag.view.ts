import { authorshipView, budgetTableView, limitsView, withoutNulls } from '../parties/limits.view.js';
import { spendPlaceholder } from '../parties/spend-placeholders.js';
import type { Tag } from '../parties/entities/tag.entity.js';
import type { DynamicTag, TagRow } from './tags.dto.js';

/**
 * A tag as LiteLLM tells it: the limits that count (`limited`: with its tier's, see `withTiers`) in a table of their own.
 * Those it was given itself stand on top, too, where Terraform's provider looks for them.
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
    metadata: row.metadata ?? {},
    blocked: row.blocked,
    ...row.extra,
    spend: spendPlaceholder('tag', limited),
    ...withoutNulls(own),
    litellm_budget_table: table && { ...table, model_max_budget: limited.modelMaxBudget },
    ...authorshipView(row),
  };
}

/** A tag that has no row, as LiteLLM tells it in its list. */
export const dynamicTagView = (name: string): DynamicTag => ({
  name,
  description:
    'This is just a spend tag that was passed dynamically in a request. It does not control any LLM models.',
  models: null,
  model_info: null,
});
