import { expect, it } from 'vitest';
import { compileModelList } from '../model-list.js';
import { aModel, aParty, aRequest, type Case, codesOf } from '../fixtures.testing.js';
import { fallbacksAreAllowed } from './fallbacks-are-allowed.js';

const onlyA = aParty({ models: compileModelList(['a']) });

it.each<Case>([
  ['none is named', { parties: [onlyA] }, undefined],
  ['an allowed one is', { parties: [onlyA], request: aRequest({ fallbacks: [aModel('a')] }) }, undefined],
  [
    'a denied one is',
    { parties: [onlyA], request: aRequest({ fallbacks: [aModel('a'), aModel('b')] }) },
    'model_not_allowed',
  ],
  [
    'an unknown one is',
    { request: aRequest({ fallbacks: [aModel('b', { known: false })] }) },
    'model_unknown',
  ],
])('%s', (_, facts, code) => {
  expect(codesOf(fallbacksAreAllowed, facts)).toEqual(code ? [code] : []);
});
