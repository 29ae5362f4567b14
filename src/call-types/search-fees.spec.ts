import { describe, expect, it } from 'vitest';
import type { Price, UnitPrice } from '../policy/price.js';
import { searchContextOf, withSearchFees } from './search-fees.js';

const usd = (amount: bigint) => amount as UnitPrice;
const BY_SIZE: Price = {
  input: usd(1n),
  output: usd(1n),
  webSearchesLow: usd(5n),
  webSearchesMedium: usd(8n),
  webSearches: usd(12n),
};
const { webSearchesLow: _, webSearchesMedium: __, ...ONE_PRICE } = BY_SIZE;
const USED = { inputTokens: 10, outputTokens: 5 };

describe('the searches of a call', () => {
  it.each([
    ['openai', undefined, {}, {}],
    ['openai', 'any', {}, { webSearchesMedium: 1 }],
    ['openai', 'low', {}, { webSearchesLow: 1 }],
    ['openai', 'high', {}, { webSearches: 1 }],
    ['openai', undefined, { webSearches: 3 }, { webSearchesMedium: 3 }],
    ['perplexity', undefined, {}, { webSearchesLow: 1 }],
    ['perplexity', 'any', {}, { webSearchesLow: 1 }],
    ['perplexity', 'medium', {}, { webSearchesMedium: 1 }],
    ['perplexity', undefined, { webSearches: 18 }, { webSearchesLow: 18 }],
    ['perplexity', undefined, { webSearches: 0 }, { webSearches: 0 }],
    ['perplexity', undefined, { webSearchesLow: 2 }, { webSearchesLow: 2 }],
    ['perplexity', undefined, { inputTokens: 0, outputTokens: 0 }, { inputTokens: 0, outputTokens: 0 }],
  ] as const)('at %s, of size %s: %j', (provider, size, usage, billed) => {
    expect(withSearchFees({ ...USED, ...usage }, provider, BY_SIZE, size)).toEqual({ ...USED, ...billed });
  });

  it('have one price where the sizes have none', () => {
    expect(withSearchFees({ ...USED, webSearches: 3 }, 'openai', ONE_PRICE, 'low')).toMatchObject({
      webSearches: 3,
    });
  });

  it.each([
    [{ search_context_size: 'low' }, 'low'],
    [{ search_context_size: 'huge' }, undefined],
    [{}, undefined],
    ['low', undefined],
  ] as const)('%j asks for the size %s', (options, size) => expect(searchContextOf(options)).toBe(size));
});
