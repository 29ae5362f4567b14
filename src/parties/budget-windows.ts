import type { BudgetWindowRule } from '../ledger/account.js';
import type { BudgetLimitRow, Limits } from './limits-row.js';

type MainWindow = Pick<Limits, 'budgetDuration' | 'budgetAnchor' | 'budgetSince'>;

/** The window a row's main budget is counted in; null: for ever. */
export function mainWindow({ budgetDuration, budgetAnchor, budgetSince }: Readonly<MainWindow>) {
  return budgetDuration === null ? null : windowRule(budgetDuration, budgetAnchor, budgetSince);
}

/** The window of one more budget. */
export const furtherWindow = (limit: BudgetLimitRow): BudgetWindowRule =>
  windowRule(limit.budget_duration, new Date(limit.anchor), new Date(limit.since));

/** The window of a budget for one model, counted from the calendar, or from 1970 where a duration has none there. */
export const modelWindow = (duration: string | null): BudgetWindowRule | null =>
  duration === null ? null : windowRule(duration, null, null);

/** A window without an anchor is counted from 1970. */
const windowRule = (duration: string, anchor: Date | null, since: Date | null): BudgetWindowRule => ({
  duration,
  anchor: anchor ?? new Date(0),
  since: since ?? new Date(0),
});
