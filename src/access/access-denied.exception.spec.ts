import { describe, expect, it } from 'vitest';
import { type AnthropicErrorType } from '../http/anthropic-error.js';
import { toErrorResponse } from '../http/error.filter.js';
import { renderError } from '../http/error-response.js';
import { type DenialCode, DENIALS, type DenialKind, type Refusal } from '../policy/decision.js';
import { AccessDeniedException } from './access-denied.exception.js';

/** Anthropic's type of a permanent refusal. The compiler requires a row for every kind. */
const ANTHROPIC: Record<DenialKind, AnthropicErrorType> = {
  unauthenticated: 'authentication_error',
  unknownKey: 'authentication_error',
  expired: 'authentication_error',
  forbidden: 'permission_error',
  modelForbidden: 'permission_error',
  priceUnknown: 'permission_error',
  malformed: 'invalid_request_error',
  budgetExceeded: 'billing_error',
  rateLimited: 'rate_limit_error',
};

const codes = Object.keys(DENIALS) as DenialCode[];
const refusal = (code: DenialCode, retryable: boolean): Refusal => ({
  code,
  message: 'x',
  check: 'c',
  enforcer: 'AuthChecksGuard',
  retryable,
});
type Sent = {
  headers: Record<string, string>;
  body: { error: { type: string; code: string; details: Record<string, unknown> } };
};
const sent = (one: Refusal, status: 400 | 402 | 429, url: string) => {
  const response = toErrorResponse(new AccessDeniedException(one, status));
  return { status: response.status, ...(renderError(response, { url, headers: {} }) as Sent) };
};

describe('every refusal of the policy', () => {
  it.each(codes)('%s that is permanent tells clients not to retry, on every door', (code) => {
    for (const url of ['/v1/chat/completions', '/v1/messages', '/key/info']) {
      const { headers, body } = sent(refusal(code, false), 400, url);
      expect([headers['x-should-retry'], headers['retry-after']]).toEqual(['false', undefined]);
      expect(body.error.details.retryable).toBe(false);
    }
  });

  it.each(codes)('%s that is temporary tells when to retry, and keeps its status', (code) => {
    const { status, headers, body } = sent(refusal(code, true), 400, '/v1/chat/completions');
    expect([headers['x-should-retry'], headers['retry-after']]).toEqual([undefined, '1']);
    expect(body.error.details.retryable).toBe(true);
    if (code === 'budget_exceeded') expect(status).toBe(429);
  });

  it.each(codes)('%s has a type that Anthropic’s clients know, and its own beside it', (code) => {
    const { body: plain } = sent(refusal(code, false), 429, '/v1/responses');
    const { body } = sent(refusal(code, false), 429, '/v1/messages');
    expect(body.error).toMatchObject({ type: ANTHROPIC[DENIALS[code]], details: { type: plain.error.type } });
  });

  it.each([429, 400, 402] as const)('a permanent one of a budget has the status %i, in the body too', (budgetStatus) => {
    for (const code of codes) {
      const { status, body } = sent(refusal(code, false), budgetStatus, '/v1/messages');
      expect(body.error.code).toBe(String(status));
      if (code === 'budget_exceeded') expect(status).toBe(budgetStatus);
    }
    expect(sent(refusal('rate_limit_exceeded', false), budgetStatus, '/').status).toBe(429);
  }); // prettier-ignore
});
