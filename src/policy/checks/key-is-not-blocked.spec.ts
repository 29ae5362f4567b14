import { expect, it } from 'vitest';
import { aKey, type Case, codesOf } from '../fixtures.testing.js';
import { keyIsNotBlocked } from './key-is-not-blocked.js';

it.each<Case>([
  ['it is not', { credential: aKey() }, undefined],
  ['it is', { credential: aKey({ blocked: true }) }, 'key_blocked'],
])('%s', (_, facts, code) => {
  expect(codesOf(keyIsNotBlocked, facts)).toEqual(code ? [code] : []);
});
