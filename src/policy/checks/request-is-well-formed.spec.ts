import { expect, it } from 'vitest';
import { aRequest, type Case, codesOf } from '../fixtures.testing.js';
import { requestIsWellFormed } from './request-is-well-formed.js';

it.each<Case>([
  ['it is', {}, undefined],
  ['the route has no body', { request: undefined }, undefined],
  ['it is not', { request: aRequest({ problem: { message: 'x', param: 'model' } }) }, 'request_malformed'],
])('%s', (_, facts, code) => {
  expect(codesOf(requestIsWellFormed, facts)).toEqual(code ? [code] : []);
});
