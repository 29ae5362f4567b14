import { describe, expect, it } from 'vitest';
import type { Check } from '../decision.js';
import { compileModelList } from '../model-list.js';
import { aBudget, aKey, aModel, aParty, aRequest, aRoute, aWish, someFacts } from '../testing.js';
import { credentialIsKnown } from './credential-is-known.js';
import { endUserIsNamed } from './end-user-is-named.js';
import { fallbacksAreAllowed } from './fallbacks-are-allowed.js';
import { keyIsNotBlocked } from './key-is-not-blocked.js';
import { keyIsNotExpired } from './key-is-not-expired.js';
import { modelHasPrice } from './model-has-price.js';
import { modelIsKnown } from './model-is-known.js';
import { nobodyIsBlocked } from './nobody-is-blocked.js';
import { partiesExist } from './parties-exist.js';
import { requestIsWellFormed } from './request-is-well-formed.js';

const now = new Date('2026-11-23T12:00:00Z');
const earlier = new Date(now.getTime() - 1);
const later = new Date(now.getTime() + 1);
const enforced = { enforceUserParam: true, enforcedParams: [] };
const onlyA = aParty({ models: compileModelList(['a']) });

describe.each<[Check, [string, Parameters<typeof someFacts>[0], string | undefined][]]>([
  [
    credentialIsKnown,
    [
      ['nothing is presented', { credential: { kind: 'absent' } }, 'credential_missing'],
      ['something unreadable is', { credential: { kind: 'malformed', reason: 'x' } }, 'credential_malformed'],
      ['nobody knows it', { credential: { kind: 'unknown', hint: 'sk-...' } }, 'key_unknown'],
      ...(['token_invalid', 'token_expired', 'token_not_allowed'] as const).map(
        (code): [string, object, string] => [
          `it is a token, but ${code}`,
          { credential: { kind: 'refused', code, reason: 'x' } },
          code,
        ],
      ),
      ['it is a key', { credential: aKey() }, undefined],
      ['it is a token', { credential: { kind: 'token', role: 'team', routes: [] } }, undefined],
      ['it is the master key', { credential: { kind: 'master', role: 'proxy_admin' } }, undefined],
    ],
  ],
  [
    keyIsNotExpired,
    [
      ['it never ends', { credential: aKey() }, undefined],
      ['it ends later', { credential: aKey({ expiresAt: later }) }, undefined],
      ['it ends this very instant', { credential: aKey({ expiresAt: now }) }, 'key_expired'],
      ['it ended', { credential: aKey({ expiresAt: earlier }) }, 'key_expired'],
    ],
  ],
  [
    keyIsNotBlocked,
    [
      ['it is not', { credential: aKey() }, undefined],
      ['it is', { credential: aKey({ blocked: true }) }, 'key_blocked'],
    ],
  ],
  [
    partiesExist,
    [
      ['all are there', {}, undefined],
      ['its team is gone', { parties: [aParty({ kind: 'team', exists: false })] }, 'party_missing'],
    ],
  ],
  [
    nobodyIsBlocked,
    [
      ['nobody is', {}, undefined],
      ...(['team', 'user', 'organization', 'end_user', 'member'] as const).map(
        (kind): [string, object, string] => [
          `the ${kind} is`,
          { parties: [aParty(), aParty({ kind, blocked: true })] },
          'party_blocked',
        ],
      ),
    ],
  ],
  [
    requestIsWellFormed,
    [
      ['it is', {}, undefined],
      ['the route has no body', { request: undefined }, undefined],
      [
        'it is not',
        { request: aRequest({ problem: { message: 'x', param: 'model' } }) },
        'request_malformed',
      ],
    ],
  ],
  [
    endUserIsNamed,
    [
      ['nobody asks for it', {}, undefined],
      ['it is named', { settings: enforced, request: aRequest({ params: { user: 'u' } }) }, undefined],
      ['it is not', { settings: enforced }, 'param_missing'],
      ['it is empty', { settings: enforced, request: aRequest({ params: { user: '' } }) }, 'param_missing'],
      ['it is null', { settings: enforced, request: aRequest({ params: { user: null } }) }, 'param_missing'],
      ['it is a GET', { settings: enforced, route: aRoute({ method: 'GET' }) }, undefined],
      ['no model is called', { settings: enforced, route: aRoute({ callsModel: false }) }, undefined],
    ],
  ],
  [
    fallbacksAreAllowed,
    [
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
    ],
  ],
  [
    modelIsKnown,
    [
      ['it is', {}, undefined],
      ['it is not', { request: aRequest({ model: aModel('x', { known: false }) }) }, 'model_unknown'],
      ['none is named', { request: { fallbacks: [], params: {} } }, 'model_missing'],
      [
        'no model is called',
        { request: { fallbacks: [], params: {} }, route: aRoute({ callsModel: false }) },
        undefined,
      ],
    ],
  ],
  [
    modelHasPrice,
    [
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
        '… and no budget applies',
        { request: aRequest({ model: aModel('m', { wish: { ...aWish(0), unbounded: ['outputImages'] } }) }) },
        undefined,
      ],
    ],
  ],
])('%o', (check, cases) => {
  it.each(cases)('%s', (_, facts, code) => {
    expect(check(someFacts(facts)).denials.map((denial) => denial.code)).toEqual(code ? [code] : []);
  });
});
