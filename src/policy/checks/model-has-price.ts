import { type Check, deny } from '../decision.js';

/** Where any budget applies, what is called has a price: an unpriced model would void every budget. */
export const modelHasPrice: Check = ({ parties, request }) => {
  const unpriced = [request?.model, ...(request?.fallbacks ?? [])].find(
    (model) => model?.price === 'unknown',
  );
  const budgeted = unpriced && parties.find(({ budgets }) => budgets.length > 0);
  return deny(
    unpriced && budgeted
      ? {
          code: 'price_unknown',
          message: `The price of model=${unpriced.requested} is not known, and a budget applies (${budgeted.kind}=${budgeted.id}). Set \`input_cost_per_token\` and \`output_cost_per_token\` for it.`,
          param: 'model',
        }
      : undefined,
  );
};
