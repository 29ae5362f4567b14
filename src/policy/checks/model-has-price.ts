import { type Check, deny } from '../decision.js';
import type { ModelFacts } from '../facts.js';

/** Where any budget applies, what is called has a price: an unpriced model, or an unpriced extra, would void every budget. */
export const modelHasPrice: Check = ({ parties, request }) => {
  const unpriced = [request?.model, ...(request?.fallbacks ?? [])].find(
    (model) => model && WHY_NOT[model.price] !== undefined,
  );
  const budgeted = unpriced && parties.find(({ budgets }) => budgets.length > 0);
  return deny(
    unpriced && budgeted
      ? {
          code: 'price_unknown',
          message: `The price of model=${unpriced.requested} is not known, and a budget applies (${budgeted.kind}=${budgeted.id}). ${WHY_NOT[unpriced.price]}`,
          param: 'model',
        }
      : undefined,
  );
};

const WHY_NOT: Partial<Record<ModelFacts['price'], string>> = {
  unknown: 'Set `input_cost_per_token` and `output_cost_per_token` for it.',
  unbounded:
    'The call asks for tools the provider runs, or for a service tier, whose fees no token price contains.',
};
