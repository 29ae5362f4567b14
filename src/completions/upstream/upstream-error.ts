import { HttpException, ServiceUnavailableException } from '@nestjs/common';

/** Thrown if an upstream did not serve the call. Has the upstream's status and no secret in its message. */
export class UpstreamError extends HttpException {
  constructor(
    status: number,
    message: string,
    /** True if another attempt, or another model, may succeed. */
    readonly isRetryable: boolean,
    readonly retryAfter?: string,
    /** True if the upstream refuses `stream_options`. */
    readonly refusesStreamOptions = false,
  ) {
    super({ message, type: 'upstream_error', param: null }, status);
  }

  get headers(): Record<string, string> {
    return this.retryAfter ? { 'retry-after': this.retryAfter } : {};
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
const MAX_MESSAGE_CHARS = 2_000;

const BAD_REQUEST = new Set([400, 422]);

/**
 * Returns the client's error for an error response of an upstream. It contains the upstream's message without anything that
 * looks like a secret. `clampedTo`: the output limit that the gateway set, which may be the reason for the error.
 */
export function upstreamResponseError(
  status: number,
  body: Buffer,
  secrets: readonly Buffer[],
  retryAfter: string | undefined,
  clampedTo?: number,
): UpstreamError {
  const isBadRequest = BAD_REQUEST.has(status);
  const explanation =
    isBadRequest && clampedTo !== undefined
      ? ` (The gateway set the output limit of this call to ${clampedTo} tokens, because a budget applies.)`
      : '';
  const clientStatus = status >= 400 && status < 600 ? status : 502;
  return new UpstreamError(
    clientStatus,
    `The upstream answered ${status}: ${withoutSecrets(messageIn(body), secrets)}${explanation}`,
    (clientStatus >= 500 && clientStatus !== 508) || RETRYABLE.has(clientStatus),
    retryAfter,
    isBadRequest && body.includes('stream_options'),
  );
}

function messageIn(body: Buffer): string {
  try {
    const { error, message, detail } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    const errorMessage =
      typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : error;
    for (const candidate of [errorMessage, message, detail]) {
      if (typeof candidate === 'string' && candidate) return candidate.slice(0, MAX_MESSAGE_CHARS);
    }
  } catch {
    // The body is not JSON, so it has no message.
  }
  return 'no further message.';
}

const LOOKS_SECRET = /\b(?:sk|pk|key|api|AIza|Bearer)[-_ ][\w-]{8,}|[A-Za-z0-9_-]{32,}/g;
const ADDRESS = /\bhttps?:\/\/\S+/g;

function withoutSecrets(text: string, secrets: readonly Buffer[]): string {
  return secrets
    .reduce((safe, secret) => safe.replaceAll(secret.toString(), '****'), text)
    .replace(ADDRESS, '****')
    .replace(LOOKS_SECRET, '****');
}

/** Replaces a deployment's credentials in a response by as many asterisks, because an upstream may echo its request. */
export function masked(bytes: Buffer, secrets: readonly Buffer[]): Buffer {
  let safe = bytes;
  for (const secret of secrets) {
    for (let at = safe.indexOf(secret); at >= 0; at = safe.indexOf(secret, at + 1)) {
      if (safe === bytes) safe = Buffer.from(bytes);
      safe.fill('*', at, at + secret.length);
    }
  }
  return safe;
}
