import { budgetDenial, measureOf } from '../policy/checks/budgets-have-room.js';
import type { Denial } from '../policy/decision.js';
import { fits } from '../policy/fits.js';
import type { NanoUsd } from '../policy/money.js';
import type { ScopedBudget } from './spend.service.js';

/** Returns the denial of a hold that this budget refused, in the words of the check `budgetsHaveRoom`. */
export function holdDenial(budget: ScopedBudget, minimumNanoUsd: NanoUsd): Denial {
  const room = fits(budget.account, budget.limitNanoUsd, minimumNanoUsd);
  return budgetDenial(measureOf(budget.scope, budget, minimumNanoUsd), room === 'spent' ? 'spent' : 'held');
}
