import { knownModel } from './known-model.js';
import { libraryModel } from './library-prices.js';

/** Figures of two sources that differ by less are taken for equal. */
const TOLERANCE = 0.01;
const COMPARED = [
  'input_cost_per_token',
  'output_cost_per_token',
  'cache_read_input_token_cost',
  'cache_creation_input_token_cost',
] as const;

/** A figure about which two sources differ. */
export interface PriceDifference {
  readonly member: string;
  /** The figure that counts. */
  readonly usd: number;
  /** The price library's figure. */
  readonly libraryUsd: number;
}

/** Returns the figures of a model by which the price library differs from the source that counts by more than 1 %. */
export function priceDifferences(provider: string, name: string, on = new Date()): PriceDifference[] {
  const known = knownModel(provider, name, on);
  if (!known || known.source === 'genai-prices') return [];
  const library = libraryModel(provider, name, on.toISOString().slice(0, 10));
  return COMPARED.flatMap((member) => {
    const [usd, libraryUsd] = [known.members[member], library?.members[member]];
    if (typeof usd !== 'number' || typeof libraryUsd !== 'number') return [];
    const differs = Math.abs(usd - libraryUsd) > TOLERANCE * Math.max(usd, libraryUsd);
    return differs ? [{ member, usd, libraryUsd }] : [];
  });
}
