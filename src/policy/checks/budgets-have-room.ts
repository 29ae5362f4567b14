import {
  type BudgetMeasure,
  type Check,
  type Denial,
  PASS,
  type Scope,
  scopeOf,
  PARTY_LABEL,
} from '../decision.js';
import type { BudgetFacts } from '../facts.js';
import { fits } from '../fits.js';
import { type NanoUsd, usdText } from '../money.js';
import type { HoldDemand } from '../hold-demand.js';

/**
 * Every account that the call would bill has room for the smallest hold the call accepts. (Seed checks 3, 4, 5, 7: team,
 * user, end user, global; here one rule for every level.) A budget spent to the last nano-dollar is used up.
 */
export const budgetsHaveRoom: Check = ({ balances, parties, request, route }) => {
  const model = request?.model;
  if (!model?.demand || !route.callsModel || balances === 'unknownUntilHold') return PASS;
  const { minimumNanoUsd } = model.demand;

  const budgets: BudgetMeasure[] = [];
  const denials: Denial[] = [];
  for (const party of parties) {
    for (const budget of party.budgets) {
      const measure = measureOf(scopeOf(party), budget, minimumNanoUsd);
      budgets.push(measure);
      const room = fits(budget.account, budget.limitNanoUsd, minimumNanoUsd);
      if (room !== 'fits') denials.push(forNow(budgetDenial(measure, room), model.demand));
    }
  }
  return { denials, budgets };
};

/**
 * Returns the denial of a prompt that was measured by its bytes because it could not be counted in time. It is temporary,
 * unless there is no room even for what the call costs beside the prompt.
 */
export function forNow(
  denial: Denial,
  { isUncounted, inputNanoUsd }: Pick<HoldDemand, 'isUncounted' | 'inputNanoUsd'>,
): Denial {
  const { budget, temporary } = denial;
  if (!isUncounted || !budget || temporary) return denial;
  const besidePrompt = budget.minimumNanoUsd - inputNanoUsd;
  if (budget.spentNanoUsd + besidePrompt >= budget.limitNanoUsd) return denial;
  return {
    ...denial,
    temporary: true,
    message: `${denial.message} Its prompt could not be counted in time and was taken by its bytes. Try again.`,
  };
}

/** Returns the numbers of one budget at this instant. */
export function measureOf(
  scope: Scope,
  { account, limitNanoUsd, model, window }: BudgetFacts,
  minimumNanoUsd: NanoUsd,
): BudgetMeasure {
  return {
    scope,
    limitNanoUsd,
    spentNanoUsd: account.spentNanoUsd,
    heldNanoUsd: account.heldNanoUsd,
    minimumNanoUsd,
    ...(model !== undefined && { model }),
    ...(window && { window }),
  };
}

/** Returns the denial of a full account. The hold uses the same words. */
export function budgetDenial(budget: BudgetMeasure, room: 'held' | 'spent'): Denial {
  const { scope, model, window } = budget;
  return {
    code: 'budget_exceeded',
    message:
      `ExceededBudget: ${PARTY_LABEL[scope.kind]}=${scope.id} over ${window ? `${window.duration} budget` : 'budget'}${model === undefined ? '' : ` for model=${model}`}. ` +
      `Spend=${usdText(budget.spentNanoUsd)}, Budget=${usdText(budget.limitNanoUsd)}` +
      (room === 'held'
        ? `. Calls in flight hold ${usdText(budget.heldNanoUsd)} of the rest; this one needs ${usdText(budget.minimumNanoUsd)}. Try again when they are done.`
        : `; this call needs up to ${usdText(budget.minimumNanoUsd)}.`),
    scope,
    budget,
    temporary: room === 'held',
  };
}
