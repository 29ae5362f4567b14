import { expect, it } from 'vitest';
import { aKey, type Case, codesOf } from '../fixtures.testing.js';
import { keyIsNotExpired } from './key-is-not-expired.js';

const now = new Date('2026-11-23T12:00:00Z');
const earlier = new Date(now.getTime() - 1);
const later = new Date(now.getTime() + 1);

it.each<Case>([
  ['it never ends', { credential: aKey() }, undefined],
  ['it ends later', { credential: aKey({ expiresAt: later }) }, undefined],
  ['it ends this very instant', { credential: aKey({ expiresAt: now }) }, 'key_expired'],
  ['it ended', { credential: aKey({ expiresAt: earlier }) }, 'key_expired'],
])('%s', (_, facts, code) => {
  expect(codesOf(keyIsNotExpired, facts)).toEqual(code ? [code] : []);
});
