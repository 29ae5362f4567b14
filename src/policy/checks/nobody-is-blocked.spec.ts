import { expect, it } from 'vitest';
import { aParty, type Case, codesOf } from '../fixtures.testing.js';
import { nobodyIsBlocked } from './nobody-is-blocked.js';

it.each<Case>([
  ['nobody is', {}, undefined],
  ...(['team', 'user', 'organization', 'end_user', 'member'] as const).map((kind): Case => [
    `the ${kind} is`,
    { parties: [aParty(), aParty({ kind, blocked: true })] },
    'party_blocked',
  ]),
])('%s', (_, facts, code) => {
  expect(codesOf(nobodyIsBlocked, facts)).toEqual(code ? [code] : []);
});
