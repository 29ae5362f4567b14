import type { IncomingHttpHeaders } from 'node:http';
import { nativeError } from './native-error.js';
import { anthropicErrorType, isOfAnthropicClient } from './anthropic-error.js';

/** An error as it is sent, before it has an envelope. */
export interface ErrorResponse {
  readonly status: number;
  readonly message: string;
  readonly type?: string;
  readonly param?: string | null;
  /** The code of an upstream's error. Absent: the status. */
  readonly code?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

/** The request that failed, as far as it was read. */
export interface FailedRequest {
  readonly id?: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** The envelope's default `type` by status. */
const TYPE: Readonly<Record<number, string>> = {
  400: 'bad_request_error',
  401: 'auth_error',
  403: 'auth_error',
  404: 'not_found_error',
  409: 'conflict_error',
  413: 'request_too_large',
  415: 'bad_request_error',
  422: 'validation_error',
  429: 'rate_limit_exceeded',
  503: 'service_unavailable',
};

/** Statuses 4xx that a later try may lift. Clients retry 409, too: it may be a lock. */
const PASSING = new Set([408, 409, 425, 429, 499]);
/** Statuses 5xx that no later try lifts. */
const FINAL = new Set([501, 505, 508]);

export const RETRY_HEADER = 'x-should-retry';

/**
 * Tells whether the same request never passes by itself. The error says so in `details.retryable` or in a header; otherwise
 * its status decides.
 */
export function isFinalError({ status, details, headers }: Omit<ErrorResponse, 'message'>): boolean {
  const header = headers?.[RETRY_HEADER];
  if (header !== undefined) return header === 'false';
  if (typeof details?.retryable === 'boolean') return !details.retryable;
  return status < 500 ? !PASSING.has(status) : FINAL.has(status);
}

/**
 * Returns the headers and the body of an error: one envelope for all, in Anthropic's shape and words for its clients. A final
 * error has `x-should-retry: false` and `details.retryable: false`.
 */
export function renderError(
  error: ErrorResponse,
  request: FailedRequest | undefined,
): { readonly headers: Record<string, string | string[]>; readonly body: object } {
  const { status, message, param = null, code = String(status), headers, details } = error;
  const isFinal = isFinalError(error);
  const type = error.type ?? TYPE[status] ?? (status >= 500 ? 'internal_server_error' : 'bad_request_error');
  const id = request?.id;
  const isAnthropic = request !== undefined && isOfAnthropicClient(request.url, request.headers);
  // The type of an upstream is its own.
  const isOfUpstream = details?.upstream_status !== undefined && type !== 'upstream_error';
  const shown = isAnthropic && !isOfUpstream ? anthropicErrorType({ status, type, isFinal }) : type;
  const body = {
    error: {
      message,
      type: shown,
      param,
      code,
      details: {
        ...details,
        ...(shown !== type && { type }),
        ...(isFinal && { retryable: false }),
        ...(id !== undefined && { request_id: id }),
      },
    },
  };
  const native = request && nativeError(request.url, status, body);
  return {
    headers: {
      ...native?.headers,
      ...(id !== undefined && { 'x-request-id': id, ...(isAnthropic && { 'request-id': id }) }),
      ...(isFinal && { [RETRY_HEADER]: 'false' }),
      ...headers,
    },
    body: native
      ? native.body
      : isAnthropic
        ? { type: 'error', ...body, ...(id !== undefined && { request_id: id }) }
        : body,
  };
}
