import { expect, it } from 'vitest';
import { aParty, type Case, codesOf } from '../fixtures.testing.js';
import { partiesExist } from './parties-exist.js';

it.each<Case>([
  ['all are there', {}, undefined],
  ['its team is gone', { parties: [aParty({ kind: 'team', exists: false })] }, 'party_missing'],
])('%s', (_, facts, code) => {
  expect(codesOf(partiesExist, facts)).toEqual(code ? [code] : []);
});
