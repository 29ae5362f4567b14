import { type Check, deny } from '../decision.js';
import type { ModelFacts } from '../facts.js';

/** Every model and extra of the call has a price if any budget applies. One without a price would void every budget. */
export const modelHasPrice: Check = ({ parties, request }) => {
  let objection: Objection | undefined;
  for (const model of [request?.model, ...(request?.fallbacks ?? [])])
    if ((objection = model && objectionTo(model))) break;
  const budgeted = objection && parties.find(({ budgets }) => budgets.length > 0);
  return deny(
    objection && budgeted
      ? {
          code: 'price_unknown',
          message: `${objection.reason}, and a budget applies (${budgeted.kind}=${budgeted.id}). ${objection.wayOut}`,
          param: objection.param,
        }
      : undefined,
  );
};

const WEB_SEARCH = /\bweb_search/;
/** Codex asks for web searches unless its user turns them off. */
export const CODEX_HINT = ' (Codex: `web_search = "disabled"` in its config.toml)';

interface Objection {
  readonly reason: string;
  readonly wayOut: string;
  readonly param: string;
}

function objectionTo({ requested, price, demand }: ModelFacts): Objection | undefined {
  if (price === 'unknown')
    return {
      reason: `The price of model=${requested} is not known`,
      wayOut: 'Set `input_cost_per_token` and `output_cost_per_token` for it.',
      param: 'model',
    };
  if (demand?.fee)
    return {
      reason: `The call asks for ${demand.fee.what}, whose cost no price of model=${requested} contains`,
      wayOut: `Leave it out${WEB_SEARCH.test(demand.fee.what) ? CODEX_HINT : ''}, or call with a key that has no budget.`,
      param: demand.fee.param,
    };
  if (demand?.unbounded.length)
    return {
      reason: `The call may be billed for ${demand.unbounded.join(', ')}, which nothing limits or model=${requested} has no price for`,
      wayOut: 'Limit it in the call, or set its price for the model.',
      param: 'model',
    };
  return undefined;
}
