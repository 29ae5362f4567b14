import { HttpException, ServiceUnavailableException } from '@nestjs/common';

/** An upstream did not answer the call. Told with the upstream's status and no secret in it. */
export class UpstreamError extends HttpException {
  constructor(
    status: number,
    message: string,
    /** Another try, or another model, may do better. */
    readonly mayTryAgain: boolean,
    readonly retryAfter?: string,
    /** It does not know `stream_options`. */
    readonly refusesStreamOptions = false,
  ) {
    super({ message, type: 'upstream_error', param: null }, status);
  }

  get headers(): Record<string, string> {
    return this.retryAfter ? { 'retry-after': this.retryAfter } : {};
  }
}

/** No connection to the upstream was free in time: nothing was sent. Another origin, or a moment later, may do better. */
export class UpstreamBusyError extends ServiceUnavailableException {
  readonly headers = { 'retry-after': '1' };

  constructor() {
    super({
      message:
        'This gateway has as many calls under way to the model’s provider as it may, and none ended in time. Try again in a moment.',
    });
  }
}

/** The client hung up before its call was made; nobody hears this. */
export class ClientDisconnectedError extends HttpException {
  constructor() {
    super({ message: 'The client closed the connection.' }, 499);
  }
}

/** The answer is there, but its cost could not be committed in time, so it is not handed out. */
export class SettlementTimeoutError extends ServiceUnavailableException {
  constructor() {
    super({ message: 'The cost of this call could not be recorded in time. Try again shortly.' });
  }
}

const MAY_TRY_AGAIN = new Set([401, 403, 404, 408, 409, 425, 429]);
const MAX_MESSAGE_CHARS = 2_000;

const BAD_REQUEST = new Set([400, 422]);

/**
 * The error an upstream answered with, in our words: its own message, without anything that looks like a secret.
 * `clampedTo`: the output limit the gate set, which may be what the upstream refuses.
 */
export function upstreamAnswerError(
  status: number,
  body: Buffer,
  secrets: readonly Buffer[],
  retryAfter: string | undefined,
  clampedTo?: number,
): UpstreamError {
  const isBadRequest = BAD_REQUEST.has(status);
  const explained =
    isBadRequest && clampedTo !== undefined
      ? ` (The gateway set the output limit of this call to ${clampedTo} tokens, because a budget applies.)`
      : '';
  const told = status >= 400 && status < 600 ? status : 502;
  return new UpstreamError(
    told,
    `The upstream answered ${status}: ${withoutSecrets(messageIn(body), secrets)}${explained}`,
    (told >= 500 && told !== 508) || MAY_TRY_AGAIN.has(told),
    retryAfter,
    isBadRequest && body.includes('stream_options'),
  );
}

function messageIn(body: Buffer): string {
  try {
    const { error, message, detail } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    const told =
      typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : error;
    for (const candidate of [told, message, detail]) {
      if (typeof candidate === 'string' && candidate) return candidate.slice(0, MAX_MESSAGE_CHARS);
    }
  } catch {
    // Not JSON: nothing in it is told.
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

/** The same bytes, a deployment's credentials in them replaced by as many asterisks. An upstream may echo what it was sent. */
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
