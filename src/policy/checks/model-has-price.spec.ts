import { expect, it } from 'vitest';
import {
  aBudget,
  aModel,
  aParty,
  aRequest,
  aDemand,
  type Case,
  codesOf,
  someFacts,
} from '../fixtures.testing.js';
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
      request: aRequest({ model: aModel('m', { demand: { ...aDemand(0), unbounded: ['outputImages'] } }) }),
    },
    'price_unknown',
  ],
  [
    'it asks for tools whose fees nothing bounds, and a budget applies',
    {
      parties: [aParty({ budgets: [aBudget(1)] })],
      request: aRequest({
        model: aModel('m', { demand: { ...aDemand(0), fee: { what: "the tool 'x'", param: 'tools' } } }),
      }),
    },
    'price_unknown',
  ],
  [
    '… and no budget applies',
    { request: aRequest({ model: aModel('m', { demand: { ...aDemand(0), unbounded: ['outputImages'] } }) }) },
    undefined,
  ],
])('%s', (_, facts, code) => {
  expect(codesOf(modelHasPrice, facts)).toEqual(code ? [code] : []);
});

it('says what costs more, not that the price of the model is unknown', () => {
  const { denials } = modelHasPrice(
    someFacts({
      parties: [aParty({ id: 'k', budgets: [aBudget(1)] })],
      request: aRequest({
        model: aModel('m', { demand: { ...aDemand(0), fee: { what: "the tool 'x'", param: 'tools' } } }),
      }),
    }),
  );
  expect(denials).toMatchObject([
    {
      param: 'tools',
      message:
        "The call asks for the tool 'x', whose cost no price of model=m contains, and a budget applies (key=k). Leave it out, or call with a key that has no budget.",
    },
  ]);
});
