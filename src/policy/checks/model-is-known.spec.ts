import { expect, it } from 'vitest';
import { aModel, aRequest, aRoute, type Case, codesOf } from '../fixtures.testing.js';
import { modelIsKnown } from './model-is-known.js';

it.each<Case>([
  ['it is', {}, undefined],
  ['it is not', { request: aRequest({ model: aModel('x', { known: false }) }) }, 'model_unknown'],
  ['none is named', { request: { fallbacks: [], params: {} } }, 'model_missing'],
  [
    'no model is called',
    { request: { fallbacks: [], params: {} }, route: aRoute({ callsModel: false }) },
    undefined,
  ],
])('%s', (_, facts, code) => {
  expect(codesOf(modelIsKnown, facts)).toEqual(code ? [code] : []);
});
