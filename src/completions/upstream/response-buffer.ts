import { answerId } from '../../call-types/answer-id.js';
import type { ResponseObject } from '../../call-types/call-type.js';
import { estimatedTokens, reportedOutput } from '../../call-types/reported-usage.js';
import { writtenTextBytes } from '../../call-types/written-text.js';
import type { Usage } from '../../policy/price.js';
import {
  costHeader,
  costPartHeaders,
  errorHeaders,
  overheadHeader,
  responseHeaders,
} from '../response-headers.js';
import { secretsOf } from '../../models/deployment.js';
import type { Attempt } from '../attempt.js';
import { GatheredBytes } from './gathered-bytes.js';
import { isErrorObject, reportedError, reportedErrorOf } from './reported-error.js';
import { masked } from './secret-masking.js';
import { statusOf, unusableAnswer, UpstreamError, upstreamResponseError } from './upstream-error.js';
import type { UpstreamFailure, UpstreamHeaders, UpstreamSink } from './upstreams.js';

/** A complete response of an upstream. */
interface WholeResponse {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly body: Buffer;
  readonly tookMs: number;
}

const MAX_RESPONSE_BYTES = 256 * 1024 * 1024;
const MAX_ERROR_BYTES = 1024 * 1024;

export const TOO_LARGE_RESPONSE = 'The upstream’s answer has more than 256 MiB, which is not forwarded.';

/** Collects a response, up to a maximum of bytes. */
export class ResponseBuffer implements Pick<UpstreamSink, 'data'> {
  private readonly body = new GatheredBytes();

  constructor(
    private readonly status: number,
    private readonly headers: UpstreamHeaders,
    private readonly startedAt: number,
  ) {}

  /** Adds a chunk. Returns false if the response is too large. Of an error it takes only the start. */
  data(chunk: Buffer): boolean {
    if (!isSuccess(this.status) && this.body.bytes > MAX_ERROR_BYTES) return true;
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
  const { deployment, call, llm } = attempt;
  const parsedBody = AUDIO.test(contentTypeOf(response)) ? undefined : parsed(response.body);
  const reported =
    attempt.reported?.usage ?? llm.kind.usage(parsedBody, { size: llm.size, price: deployment.price });
  const usage = reported && attempt.billable(reported);
  if (!isSuccess(response.status)) {
    await endWithError(attempt, usage);
    throw upstreamResponseError(attempt, {
      ...response,
      reported: reportedError(response.body),
      namesStreamOptions: response.body.includes('stream_options'),
    });
  }
  attempt.answerId = answerId(parsedBody);
  if (!response.body.length) throw unusableAnswer(attempt, 'The upstream’s answer is empty.');
  if (!parsedBody && !llm.kind.allowsNonJson)
    throw unusableAnswer(attempt, 'The upstream answered something that is not JSON.');
  const isError = isErrorObject(parsedBody);
  if (isError && !hasAnswer(attempt, parsedBody)) {
    await endWithError(attempt, usage);
    const reported = reportedErrorOf(parsedBody);
    throw upstreamResponseError(attempt, { status: statusOf(reported), headers: response.headers, reported });
  }
  const cost = usage
    ? await attempt.settle(usage, isError ? 'failed' : null)
    : await attempt.settle(
        estimate(attempt, parsedBody, response.body.length),
        isError ? 'unconfirmed' : 'estimated',
      );
  const { raw } = call.reply;
  if (raw.destroyed || attempt.isDetached) return;
  const headers = Object.assign(
    responseHeaders(attempt, response.headers, contentTypeOf(response)),
    usage && !isError ? costPartHeaders(cost, usage, attempt.price) : costHeader(cost),
    overheadHeader(performance.now() - call.startedAt - response.tookMs),
    { 'content-length': response.body.length },
  );
  raw.writeHead(response.status, headers);
  raw.end(masked(response.body, secretsOf(deployment)));
}

/** Bills an error that reports usage. Otherwise the upstream produced nothing. */
async function endWithError(attempt: Attempt, usage: Usage | undefined): Promise<void> {
  if (usage && (usage.inputTokens || usage.outputTokens)) await attempt.settle(usage, 'failed');
  else attempt.producedNothing();
}

/** Returns whether a body with an error is an answer, too: one that failed late, or a stored response that tells its end. */
const hasAnswer = ({ llm }: Attempt, body: Readonly<Record<string, unknown>>): boolean =>
  body.object === 'response' || llm.kind.writtenParts(body).length > 0 || 'data' in body || 'results' in body; // prettier-ignore

const isSuccess = (status: number) => status >= 200 && status <= 299;

/** Throws the client's error for a missing or incomplete response. The hold is released only if nothing was sent. */
export async function failResponse(attempt: Attempt, failure: UpstreamFailure): Promise<never> {
  if (failure.neverSent) attempt.producedNothing();
  if (failure.message)
    throw new UpstreamError(502, failure.message, {
      isRetryable: !failure.isFinal,
      headers: errorHeaders(attempt),
    });
  throw failure.timedOut
    ? unusableAnswer(attempt, 'The upstream did not answer in time.', 504)
    : unusableAnswer(attempt, `The upstream could not be reached: ${failure.reason}.`);
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
  const { llm, deployment, output } = attempt;
  const { kind, size } = llm;
  if (kind.estimate) return kind.estimate({ size, price: deployment.price }, responseBytes);
  const bytes = kind.writtenParts(parsedBody).reduce((sum: number, part) => sum + bytesOf(attempt, part), 0);
  return {
    ...attempt.estimatedInput(),
    outputTokens: reportedOutput(parsedBody?.usage) ?? Math.min(estimatedTokens(bytes), output.atMost),
  };
}

function bytesOf(attempt: Attempt, part: unknown): number {
  try {
    return writtenTextBytes(part);
  } catch {
    throw unusableAnswer(attempt, 'The upstream answered something that is nested too deeply.');
  }
}

const contentTypeOf = ({ headers }: WholeResponse) =>
  typeof headers['content-type'] === 'string' ? headers['content-type'] : 'application/json';
