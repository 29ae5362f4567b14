import { type Check, deny } from '../decision.js';
import type { ModelFacts } from '../facts.js';

/** Where any budget applies, what is called has a price: an unpriced model, or an unpriced extra, would void every budget. */
export const modelHasPrice: Check = ({ parties, request }) => {
  const unpriced = [request?.model, ...(request?.fallbacks ?? [])].find(
    (model) => model && whyNot(model) !== undefined,
  );
  const budgeted = unpriced && parties.find(({ budgets }) => budgets.length > 0);
  return deny(
    unpriced && budgeted
      ? {
          code: 'price_unknown',
          message: `The price of model=${unpriced.requested} is not known, and a budget applies (${budgeted.kind}=${budgeted.id}). ${whyNot(unpriced)}`,
          param: 'model',
        }
      : undefined,
  );
};

function whyNot({ price, wish }: ModelFacts): string | undefined {
  if (price === 'unknown') return 'Set `input_cost_per_token` and `output_cost_per_token` for it.';
  if (price === 'unbounded')
    return 'The call asks for tools the provider runs, whose fees no token price contains.';
  return wish?.unbounded.length
    ? `The call limits no ${wish.unbounded.join(', no ')} it may be billed for.`
    : undefined;
}
