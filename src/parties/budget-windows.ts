import type { BudgetWindowRule } from '../ledger/account.js';
import type { BudgetLimitRow, Limits } from './limits-row.js';

type MainWindow = Pick<Limits, 'budgetDuration' | 'budgetAnchor' | 'budgetSince'>;

/** Returns the window of a row's main budget; null for a lifetime budget. */
export function mainWindow({ budgetDuration, budgetAnchor, budgetSince }: Readonly<MainWindow>) {
  return budgetDuration === null ? null : windowRule(budgetDuration, budgetAnchor, budgetSince);
}

/** Returns the window of a further budget. */
export const furtherWindow = (limit: BudgetLimitRow): BudgetWindowRule =>
  windowRule(limit.budget_duration, new Date(limit.anchor), new Date(limit.since));

/** Returns the window of a budget for one model. It has no anchor of its own. */
export const modelWindow = (duration: string | null): BudgetWindowRule | null =>
  duration === null ? null : windowRule(duration, null, null);

/** Builds the rule of a window. Without an anchor, windows are counted from 1970. */
const windowRule = (duration: string, anchor: Date | null, since: Date | null): BudgetWindowRule => ({
  duration,
  anchor: anchor ?? new Date(0),
  since: since ?? new Date(0),
});
