import type { Price } from '../policy/price.js';
import { withTerms } from '../policy/price-terms.js';
import type { CatalogueSnapshot } from './catalogue.js';
import { knownFigures } from './deployment.js';
import { pricedProvider } from '../prices/known-model.js';

/** Returns what a model that is not served would cost: its public price, at the terms in force. */
export function publicPrice(
  { termsOf }: CatalogueSnapshot,
  model: string,
): { readonly provider: string; readonly price: Price } | undefined {
  const provider = pricedProvider(model) ?? '';
  const { price } = knownFigures(provider, model);
  const terms = price && termsOf?.({ provider, upstreamName: model, traits: {} });
  return price && { provider, price: terms ? withTerms(price, terms) : price };
}
