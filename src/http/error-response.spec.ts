import { describe, expect, it } from 'vitest';
import { ANTHROPIC_ERROR_TYPES } from './anthropic-error.js';
import { type ErrorResponse, renderError } from './error-response.js';

const openai = { id: 'r1', url: '/v1/chat/completions', headers: {} };
const anthropic = { id: 'r1', url: '/v1/messages', headers: {} };
const error = (status: number, more: Partial<ErrorResponse> = {}): ErrorResponse => ({ status, message: 'x', ...more }); // prettier-ignore
const rendered = (response: ErrorResponse, request: Parameters<typeof renderError>[1] = openai) =>
  renderError(response, request) as { headers: Record<string, string>; body: { error: { type: string; code: string; details: Record<string, unknown> } } }; // prettier-ignore

const FINAL = [400, 401, 403, 404, 405, 411, 413, 415, 417, 422, 426, 431, 501, 508];
const PASSING = [408, 409, 425, 429, 500, 502, 503, 504, 529];

describe('an error', () => {
  it.each(FINAL)('%i is not worth another try: header and body say so', (status) => {
    const { headers, body } = rendered(error(status));
    expect([headers['x-should-retry'], body.error.details.retryable]).toEqual(['false', false]);
  });

  it.each(PASSING)('%i may be worth another try', (status) => {
    const { headers, body } = rendered(error(status));
    expect([headers['x-should-retry'], body.error.details.retryable]).toEqual([undefined, undefined]);
  });

  it.each([
    ['that is refused for good', { details: { retryable: false } }, 429, 'false'],
    ['that is refused for now', { details: { retryable: true } }, 429, undefined],
    ['that an upstream calls final', { headers: { 'x-should-retry': 'false' } }, 529, 'false'],
    ['that an upstream calls passing', { headers: { 'x-should-retry': 'true' } }, 400, 'true'],
  ])('%s keeps its word', (_, more, status, header) => {
    const { headers, body } = rendered(error(status, more));
    expect(headers['x-should-retry']).toBe(header);
    expect(body.error.details.retryable === false).toBe(header === 'false');
  });
});

describe('Anthropic’s clients', () => {
  it.each([...FINAL, ...PASSING, 402, 599])('know the type of a %i, and get the gateway’s own beside it', (status) => {
    const own = rendered(error(status)).body.error.type;
    const { body } = rendered(error(status), anthropic);
    expect(ANTHROPIC_ERROR_TYPES).toContain(body.error.type);
    expect(body.error.details.type ?? body.error.type).toBe(own);
    expect(body).toMatchObject({ type: 'error', request_id: 'r1', error: { code: String(status) } });
  }); // prettier-ignore

  it.each([
    [401, 'token_not_found_in_db', 'authentication_error'],
    [403, 'key_model_access_denied', 'permission_error'],
    [403, 'model_cost_map_missing', 'permission_error'],
    [413, 'request_too_large', 'invalid_request_error'],
    [404, 'not_found_error', 'not_found_error'],
    [429, 'rate_limit_exceeded', 'rate_limit_error'],
    [502, 'upstream_error', 'api_error'],
    [508, 'loop_detected', 'api_error'],
  ])('get for %i %s the type %s', (status, type, word) => {
    expect(rendered(error(status, { type }), anthropic).body.error.type).toBe(word);
  });

  it.each([
    [false, 429, 'billing_error'],
    [false, 400, 'billing_error'],
    [true, 429, 'rate_limit_error'],
  ])('tell an empty budget from a busy one (retryable: %s, %i)', (retryable, status, word) => {
    const refused = error(status, { type: 'budget_exceeded', details: { retryable } });
    expect(rendered(refused, anthropic).body.error.type).toBe(word);
  });

  it('get the type of an upstream as it is', () => {
    const own = error(413, { type: 'request_too_large', details: { upstream_status: 413 } });
    expect(rendered(own, anthropic).body.error.type).toBe('request_too_large');
    const nameless = error(500, { type: 'upstream_error', details: { upstream_status: 500 } });
    expect(rendered(nameless, anthropic).body.error).toMatchObject({ type: 'api_error', details: { type: 'upstream_error' } }); // prettier-ignore
  });

  it.each([
    ['/v1/messages/batches', {}, true],
    ['/messages?beta=true', {}, true],
    ['/v1/models', { 'anthropic-version': '2023-06-01' }, true],
    ['/v1/models', {}, false],
    ['/v1/messagesX', {}, false],
    ['/v1/threads/1/messages', {}, false],
  ])('are known by %s and %j: %s', (url, headers, isAnthropic) => {
    expect('type' in renderError(error(404), { id: 'r', url, headers }).body).toBe(isAnthropic);
  });
});
