import { HttpException, ServiceUnavailableException } from '@nestjs/common';
import { RETRY_HEADER } from '../../http/error-response.js';
import { secretsOf } from '../../models/deployment.js';
import type { Attempt } from '../attempt.js';
import { errorHeaders } from '../response-headers.js';
import type { ReportedError } from './reported-error.js';
import { withoutSecrets } from './secret-masking.js';
import type { UpstreamHeaders } from './upstreams.js';

interface UpstreamErrorOptions {
  /** True if another attempt, or another model, may succeed. */
  readonly isRetryable: boolean;
  /** The upstream's own words. */
  readonly reported?: Omit<ReportedError, 'message'>;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** The gateway's own words. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** True if the upstream refuses `stream_options`. */
  readonly refusesStreamOptions?: boolean;
  /** The upstream's status, if it is not the client's. */
  readonly upstreamStatus?: number;
  /** A text for the log only. */
  readonly cause?: string;
}

/** Thrown if an upstream did not serve the call. Has no secret in its message. */
export class UpstreamError extends HttpException {
  readonly isRetryable: boolean;
  readonly refusesStreamOptions: boolean;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly upstreamStatus: number;

  constructor(status: number, message: string, options: UpstreamErrorOptions) {
    const { reported, details, cause, headers = {}, upstreamStatus = status } = options;
    const { type = 'upstream_error', code, param = null } = reported ?? {};
    super({ message, type, code, param, details }, status, { cause });
    this.isRetryable = options.isRetryable;
    this.refusesStreamOptions = options.refusesStreamOptions ?? false;
    this.headers = headers;
    this.upstreamStatus = upstreamStatus;
  }
}

/** Thrown if no connection to the upstream was free in time. Nothing was sent. Another origin, or a later attempt, may succeed. */
export class UpstreamBusyError extends ServiceUnavailableException {
  readonly headers = { 'retry-after': '1' };

  constructor() {
    super({
      message:
        'This gateway has as many calls under way to the model’s provider as it may, and none ended in time. Try again in a moment.',
    });
  }
}

/** Thrown if the client disconnected before its call was sent. No response is written. */
export class ClientDisconnectedError extends HttpException {
  constructor() {
    super({ message: 'The client closed the connection.' }, 499);
  }
}

/** Thrown if the cost of a response could not be committed in time. The client does not get the response. */
export class SettlementTimeoutError extends ServiceUnavailableException {
  constructor() {
    super({ message: 'The cost of this call could not be recorded in time. Try again shortly.' });
  }
}

const RETRYABLE = new Set([401, 403, 404, 408, 409, 425, 429]);
const BAD_REQUEST = new Set([400, 422]);
const MAX_MESSAGE_CHARS = 4_000;

/** An error response of an upstream, or an error in the place of an answer. */
interface ErrorResponse {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly reported: ReportedError;
  /** True if the body speaks of `stream_options`. */
  readonly namesStreamOptions?: boolean;
}

/** Returns the client's error for an error of an upstream: in the upstream's own words, without secrets and addresses. */
export function upstreamResponseError(attempt: Attempt, response: ErrorResponse): UpstreamError {
  const { status, reported } = response;
  const secrets = secretsOf(attempt.deployment);
  const { clampedTo } = attempt.output;
  const isBadRequest = BAD_REQUEST.has(status);
  const clientStatus = status >= 400 && status < 600 ? status : 502;
  const message = reported.message && withoutSecrets(reported.message, secrets).slice(0, MAX_MESSAGE_CHARS);
  const isRetryable = (clientStatus >= 500 && clientStatus !== 508) || RETRYABLE.has(clientStatus);
  const headers = errorHeaders(attempt, response.headers);
  if (refusesCredentials(status, reported))
    return new UpstreamError(
      502,
      `The model’s provider refused the gateway’s own credentials with ${status}. Only the gateway’s operators can change that.`,
      {
        isRetryable,
        headers: { ...headers, [RETRY_HEADER]: 'false' },
        details: { upstream_status: status },
        upstreamStatus: status,
        ...(message && { cause: message }),
      },
    );
  if (status >= 300 && status <= 399)
    return new UpstreamError(502, redirectMessage(status, response.headers), {
      isRetryable,
      headers,
      details: { upstream_status: status, retryable: false },
      upstreamStatus: status,
    });
  const code = codeOf(status, reported);
  return new UpstreamError(clientStatus, message || `The upstream answered ${status} without a message.`, {
    isRetryable,
    reported: {
      ...(reported.type && { type: withoutSecrets(reported.type, secrets) }),
      ...(code && { code: withoutSecrets(code, secrets) }),
      ...(reported.param && { param: withoutSecrets(reported.param, secrets) }),
    },
    headers,
    details: {
      upstream_status: status,
      ...(isBadRequest &&
        clampedTo !== undefined && {
          explanation: `The gateway set the output limit of this call to ${clampedTo} tokens, because a budget applies.`,
        }),
    },
    refusesStreamOptions: isBadRequest && response.namesStreamOptions === true,
  });
}

/** The message to a client whose own timeout is over. */
export const CLIENT_TIMEOUT =
  'The upstream did not answer within the timeout that the call set for itself (x-litellm-timeout or x-litellm-stream-timeout).';

/** The message to a client whose call found no credential for its deployment. */
export const NO_CREDENTIAL =
  'The gateway has no credential for the model’s provider now, so the call was not sent. Only the gateway’s operators can change that.';

/** Returns the client's error for an answer that is missing or cannot be used. Another attempt may succeed. */
export const unusableAnswer = (attempt: Attempt, message: string, status = 502): UpstreamError =>
  new UpstreamError(status, message, { isRetryable: true, headers: errorHeaders(attempt) });

const CONTENT_REFUSED =
  /content[_ -]?(?:policy|filter|management|moderation)|moderation|flagged|safety|guardrail|responsible_?ai/i;

/** Returns whether the upstream refused the gateway's key. A refusal of the content is the caller's. */
function refusesCredentials(status: number, { type, code, message }: ReportedError): boolean {
  if (status === 401) return true;
  return status === 403 && ![type, code, message].some((text) => text && CONTENT_REFUSED.test(text));
}

const OVERFLOW_STATUSES = new Set([400, 413, 422]);
const CONTEXT_OVERFLOW = new RegExp(
  [
    'exceeds? context limit',
    'maximum (?:context|prompt|model) length',
    'maximum context limit',
    'prompt is too long',
    'prompt: length',
    "longer than the (?:model's|maximum) (?:context|model) length",
    'input tokens exceed the configured limit',
    '`inputs` tokens \\+ `max_new_tokens` must be',
    'exceeds the available context size',
    'exceeds the maximum number of tokens allowed',
    'current length is .* while limit is',
    'maximum input length is .* tokens',
    'input (?:is )?too long',
    'too many (?:input )?tokens',
  ].join('|'),
  'i',
);

/** Returns the upstream's code. An overflow of the context has one code, also of providers that only write a sentence. */
function codeOf(status: number, { code, message }: ReportedError): string | undefined {
  const isWord = code !== undefined && !/^\d+$/.test(code);
  const overflows = OVERFLOW_STATUSES.has(status) && message && CONTEXT_OVERFLOW.test(message);
  return overflows && !isWord ? 'context_length_exceeded' : code;
}

function redirectMessage(status: number, { location }: UpstreamHeaders): string {
  const target = typeof location === 'string' ? hostOf(location) : undefined;
  return `The upstream redirects (${status})${target ? ` to ${target}` : ''}. The gateway follows no redirect: the address in api_base must be the one that answers.`;
}

function hostOf(location: string): string | undefined {
  try {
    return new URL(location).host.slice(0, 255);
  } catch {
    return undefined;
  }
}

/** Statuses by the types and codes of errors that come without one. */
const STATUS_OF: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  context_length_exceeded: 400,
  content_filter: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  insufficient_quota: 429,
  api_error: 500,
  server_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** Returns the status of an error that an upstream reports inside a successful response. */
export function statusOf({ code, type }: ReportedError): number {
  const status = Number(code);
  if (status >= 400 && status <= 599) return status;
  return STATUS_OF[code ?? ''] ?? STATUS_OF[type ?? ''] ?? 502;
}
