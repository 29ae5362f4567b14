import type { ResponseObject } from '../../call-types/call-type.js';
import { estimatedTokens } from '../../call-types/reported-usage.js';
import type { Usage } from '../../policy/price.js';
import { responseHeaders, costHeader, overheadHeader } from '../response-headers.js';
import type { Attempt } from '../attempt.js';
import { GatheredBytes } from './gathered-bytes.js';
import { masked, UpstreamError, upstreamResponseError } from './upstream-error.js';
import type { UpstreamFailure, UpstreamHeaders, UpstreamSink } from './upstreams.js';

/** A complete response of an upstream. */
interface WholeResponse {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly body: Buffer;
  readonly tookMs: number;
}

const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;

/** Collects a response, up to a maximum of bytes. */
export class ResponseBuffer implements Pick<UpstreamSink, 'data'> {
  private readonly body = new GatheredBytes();

  constructor(
    private readonly status: number,
    private readonly headers: UpstreamHeaders,
    private readonly startedAt: number,
  ) {}

  /** Adds a chunk. Returns false if the response is too large. */
  data(chunk: Buffer): boolean {
    this.body.add(chunk);
    return this.body.bytes <= MAX_RESPONSE_BYTES;
  }

  whole(): WholeResponse {
    const { status, headers, body, startedAt } = this;
    return { status, headers, body: body.whole(), tookMs: performance.now() - startedAt };
  }
}

/** Bills a complete response, then writes it to the client. Throws the client's error if the response cannot be used. */
export async function settleResponse(attempt: Attempt, response: WholeResponse): Promise<void> {
  const { deployment, call } = attempt;
  const parsedBody = AUDIO.test(contentTypeOf(response)) ? undefined : parsed(response.body);
  const usage = call.llm.kind.usage(parsedBody, { size: call.llm.size, price: deployment.price });
  if (response.status < 200 || response.status > 299) {
    // An error that reports usage is billed.
    if (usage && (usage.inputTokens || usage.outputTokens)) await attempt.settle(usage);
    else attempt.producedNothing();
    const retryAfter = response.headers['retry-after'];
    throw upstreamResponseError(
      response.status,
      response.body,
      deployment.secrets,
      typeof retryAfter === 'string' ? retryAfter : undefined,
      attempt.output.clampedTo,
    );
  }
  if (!parsedBody && !call.llm.kind.allowsNonJson) {
    throw new UpstreamError(502, 'The upstream answered something that is not JSON.', true);
  }
  const cost = usage
    ? await attempt.settle(usage)
    : await attempt.settle(estimate(attempt, parsedBody, response.body.length), 'estimated');
  const { raw } = call.reply;
  if (raw.destroyed) return;
  const headers = Object.assign(
    responseHeaders(attempt, response.headers, contentTypeOf(response)),
    costHeader(cost),
    overheadHeader(performance.now() - call.startedAt - response.tookMs),
    { 'content-length': response.body.length },
  );
  raw.writeHead(response.status, headers);
  raw.end(masked(response.body, deployment.secrets));
}

/** Throws the client's error for a missing or incomplete response. The hold is released only if nothing was sent. */
export async function failResponse(attempt: Attempt, failure: UpstreamFailure): Promise<never> {
  if (failure.neverSent) attempt.producedNothing();
  throw failure.timedOut
    ? new UpstreamError(504, 'The upstream did not answer in time.', true)
    : new UpstreamError(502, `The upstream could not be reached: ${failure.reason}.`, true);
}

const AUDIO = /^audio\//i;
const BYTE_ORDER_MARK = '\ufeff';

/** Parses the response to an object. Returns undefined if it is none. Accepts a byte order mark. */
function parsed(body: Buffer): Record<string, unknown> | undefined {
  try {
    const text = body.toString('utf8');
    const value: unknown = JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Estimates the usage of a response that does not report it. */
function estimate(attempt: Attempt, parsedBody: ResponseObject, responseBytes: number): Usage {
  const { call, deployment, output } = attempt;
  const { kind, size } = call.llm;
  if (kind.estimate) return kind.estimate({ size, price: deployment.price }, responseBytes);
  const bytes = kind.writtenParts(parsedBody).reduce((sum: number, part) => sum + bytesOf(part), 0);
  return {
    ...attempt.estimatedInput(),
    outputTokens: Math.min(estimatedTokens(bytes), output.atMost),
  };
}

function bytesOf(part: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(part));
  } catch {
    throw new UpstreamError(502, 'The upstream answered something that is nested too deeply.', true);
  }
}

const contentTypeOf = ({ headers }: WholeResponse) =>
  typeof headers['content-type'] === 'string' ? headers['content-type'] : 'application/json';
