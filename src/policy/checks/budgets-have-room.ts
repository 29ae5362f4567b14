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
import { nanoUsd, type NanoUsd, usdText } from '../money.js';
import { type HoldDemand, outputFigures } from '../hold-demand.js';
import { CODEX_HINT } from './model-has-price.js';

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
      if (room !== 'fits') denials.push(withAdvice(budgetDenial(measure, room), model.demand));
    }
  }
  return { denials, budgets };
};

/** The parts of a demand on which the advice to the caller depends. */
type AdvisedDemand = Pick<
  HoldDemand,
  | 'isUncounted'
  | 'inputNanoUsd'
  | 'isWhole'
  | 'wantedNanoUsd'
  | 'minimumNanoUsd'
  | 'tokens'
  | 'reachable'
  | 'answers'
>;

/**
 * Adds to a budget's denial what the call asks for, and what would help. The denial of a prompt that was measured by its bytes because it could not be
 * counted in time is temporary, unless there is no room even for what the call costs beside the prompt.
 */
export function withAdvice(bare: Denial, demand: AdvisedDemand): Denial {
  const denial = withFigures(bare, demand);
  const { budget, temporary, message } = denial;
  if (!budget || temporary) return denial;
  const { limitNanoUsd, spentNanoUsd, minimumNanoUsd } = budget;
  const besidePrompt = minimumNanoUsd - demand.inputNanoUsd;
  if (demand.isUncounted && spentNanoUsd + besidePrompt < limitNanoUsd)
    return {
      ...denial,
      temporary: true,
      message: `${message} Its prompt could not be counted in time and was taken by its bytes. Try again.`,
    };
  const left = limitNanoUsd - spentNanoUsd;
  return left > 0n
    ? {
        ...denial,
        message: `${message}${outputSentence(budget)} ${wayOut(left, demand)}, or raise the budget.`,
      }
    : denial;
}

function withFigures(denial: Denial, demand: AdvisedDemand): Denial {
  const { budget, temporary } = denial;
  if (!budget) return denial;
  const { limitNanoUsd, spentNanoUsd, heldNanoUsd } = budget;
  const left = limitNanoUsd - spentNanoUsd - (temporary ? heldNanoUsd : 0n);
  const { wantedNanoUsd } = demand;
  return {
    ...denial,
    budget: { ...budget, call: { wantedNanoUsd, output: outputFigures(demand, nanoUsd(left)) } },
  };
}

/** Says how far the budget is from the output limit of the call. Empty if the prompt alone is too much, or nothing is generated. */
function outputSentence({ call }: BudgetMeasure): string {
  const { asked, least, fits: fitting } = call!.output;
  return fitting > 0 && fitting < least
    ? ` What is left pays for ${fitting} output tokens; this call asks for ${asked} and takes no less than ${least}.`
    : '';
}

function wayOut(leftNanoUsd: bigint, { inputNanoUsd, isWhole, tokens }: AdvisedDemand): string {
  if (inputNanoUsd >= leftNanoUsd && tokens.webSearches)
    return `The prompt with ${tokens.webSearches} web searches may cost ${usdText(inputNanoUsd)}: leave out the tool 'web_search'${CODEX_HINT}`;
  if (inputNanoUsd >= leftNanoUsd)
    return `The prompt alone may cost ${usdText(inputNanoUsd)}: send a shorter one`;
  return isWhole
    ? 'Ask for less'
    : 'Lower the output limit of the call (max_tokens; with thinking also thinking.budget_tokens)';
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
  return {
    code: 'budget_exceeded',
    message: `ExceededBudget: ${sentences(budget, room)}`,
    scope: budget.scope,
    budget,
    temporary: room === 'held',
  };
}

/** A party is over budget, in LiteLLM's words, only if its budget is used up. */
function sentences(budget: BudgetMeasure, room: 'held' | 'spent'): string {
  const { scope, model, window, limitNanoUsd, spentNanoUsd, heldNanoUsd, minimumNanoUsd } = budget;
  const party = `${PARTY_LABEL[scope.kind]}=${scope.id}`;
  const name = `${window ? `${window.duration} budget` : 'budget'}${model === undefined ? '' : ` for model=${model}`}`;
  const figures = `Spend=${usdText(spentNanoUsd)}, Budget=${usdText(limitNanoUsd)}`;
  if (room === 'held')
    return `${party} has no room in its ${name} at this moment. ${figures}. Calls in flight hold ${usdText(heldNanoUsd)} of the rest; this one needs ${usdText(minimumNanoUsd)}. Try again when they are done.`;
  const reset = window ? ` The budget resets at ${window.end.toISOString()}.` : '';
  return spentNanoUsd < limitNanoUsd
    ? `${party} has ${usdText(nanoUsd(limitNanoUsd - spentNanoUsd))} left of its ${name}, and this call needs up to ${usdText(minimumNanoUsd)}. ${figures}.${reset}`
    : `${party} over ${name}. ${figures}; this call needs up to ${usdText(minimumNanoUsd)}.${reset}`;
}
