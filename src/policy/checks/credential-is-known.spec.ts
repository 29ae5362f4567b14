import { expect, it } from 'vitest';
import { aKey, type Case, codesOf } from '../fixtures.testing.js';
import { credentialIsKnown } from './credential-is-known.js';

it.each<Case>([
  ['nothing is presented', { credential: { kind: 'absent' } }, 'credential_missing'],
  ['something unreadable is', { credential: { kind: 'malformed', reason: 'x' } }, 'credential_malformed'],
  ['nobody knows it', { credential: { kind: 'unknown', hint: 'sk-...' } }, 'key_unknown'],
  ...(['token_invalid', 'token_expired', 'token_not_allowed'] as const).map((code): Case => [
    `it is a token, but ${code}`,
    { credential: { kind: 'refused', code, reason: 'x' } },
    code,
  ]),
  ['it is a key', { credential: aKey() }, undefined],
  ['it is a token', { credential: { kind: 'token', role: 'team', routes: [] } }, undefined],
  ['it is the master key', { credential: { kind: 'master', role: 'proxy_admin' } }, undefined],
])('%s', (_, facts, code) => {
  expect(codesOf(credentialIsKnown, facts)).toEqual(code ? [code] : []);
});
