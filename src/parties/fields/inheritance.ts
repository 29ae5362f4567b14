import type { Inherit } from './field.js';

/** Inherits a column that a new row leaves open. */
export const whenNull =
  (column: string): Inherit =>
  (row, maker) => {
    (row as unknown as Record<string, unknown>)[column] ??= (maker as unknown as Record<string, unknown>)[
      column
    ];
  };

/** Inherits figures per model. The row's own figures win. */
export const perModel =
  (field: string): Inherit =>
  (row, { extra }) => {
    if (extra?.[field]) row.extra = { [field]: extra[field], ...row.extra };
  };

/** Inherits the budget with its duration, and with the time its windows count from. */
export const inheritBudget: Inherit = (row, maker) => {
  if (row.maxBudgetNanoUsd !== null) return;
  row.maxBudgetNanoUsd = maker.maxBudgetNanoUsd;
  if (row.budgetDuration !== null) return;
  row.budgetDuration = maker.budgetDuration;
  row.budgetAnchor = maker.budgetAnchor;
  row.budgetSince = maker.budgetSince;
};
