import { expect, it } from 'vitest';
import { aBudget, aModel, aParty, aRequest, aWish, type Case, codesOf } from '../testing.js';
import { modelHasPrice } from './model-has-price.js';

it.each<Case>([
  ['it has', { parties: [aParty({ budgets: [aBudget(1)] })] }, undefined],
  [
    'it has none, and a budget applies',
    {
      parties: [aParty({ budgets: [aBudget(1)] })],
      request: aRequest({ model: aModel('m', { price: 'unknown' }) }),
    },
    'price_unknown',
  ],
  [
    'it has none, and no budget applies',
    { request: aRequest({ model: aModel('m', { price: 'unknown' }) }) },
    undefined,
  ],
  [
    'a fallback has none',
    {
      parties: [aParty({ budgets: [aBudget(1)] })],
      request: aRequest({ fallbacks: [aModel('f', { price: 'unknown' })] }),
    },
    'price_unknown',
  ],
  [
    'it has one for something the call does not limit, and a budget applies',
    {
      parties: [aParty({ budgets: [aBudget(1)] })],
      request: aRequest({ model: aModel('m', { wish: { ...aWish(0), unbounded: ['outputImages'] } }) }),
    },
    'price_unknown',
  ],
  [
    'it asks for tools whose fees nothing bounds, and a budget applies',
    {
      parties: [aParty({ budgets: [aBudget(1)] })],
      request: aRequest({ model: aModel('m', { price: 'unbounded' }) }),
    },
    'price_unknown',
  ],
  [
    '… and no budget applies',
    { request: aRequest({ model: aModel('m', { wish: { ...aWish(0), unbounded: ['outputImages'] } }) }) },
    undefined,
  ],
])('%s', (_, facts, code) => {
  expect(codesOf(modelHasPrice, facts)).toEqual(code ? [code] : []);
});
