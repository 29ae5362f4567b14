import { expect, it } from 'vitest';
import { aRequest, aRoute, type Case, codesOf } from '../fixtures.testing.js';
import { endUserIsNamed } from './end-user-is-named.js';

const enforced = { enforceUserParam: true, enforcedParams: [] };

it.each<Case>([
  ['nobody asks for it', {}, undefined],
  ['it is named', { settings: enforced, request: aRequest({ params: { user: 'u' } }) }, undefined],
  ['it is not', { settings: enforced }, 'param_missing'],
  ['it is empty', { settings: enforced, request: aRequest({ params: { user: '' } }) }, 'param_missing'],
  ['it is null', { settings: enforced, request: aRequest({ params: { user: null } }) }, 'param_missing'],
  ['it is a GET', { settings: enforced, route: aRoute({ method: 'GET' }) }, undefined],
  ['no model is called', { settings: enforced, route: aRoute({ callsModel: false }) }, undefined],
])('%s', (_, facts, code) => {
  expect(codesOf(endUserIsNamed, facts)).toEqual(code ? [code] : []);
});
