import type { MockAnswer } from '../../call-types/call-type.js';
import { estimatedTokens } from '../../call-types/reported-usage.js';
import type { Usage } from '../../policy/price.js';
import { responseHeaders, costHeader, overheadHeader } from '../response-headers.js';
import type { Attempt } from '../call.js';
import { GatheredBytes } from './gathered-bytes.js';
import { masked, UpstreamError, upstreamAnswerError } from './upstream-error.js';
import type { UpstreamFailure, UpstreamHeaders, UpstreamSink } from './upstreams.js';

/** An upstream's answer, whole. */
interface WholeAnswer {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly body: Buffer;
  readonly tookMs: number;
}

const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** Gathers an answer, bounded. */
export class ResponseBuffer implements Pick<UpstreamSink, 'data'> {
  private readonly gathered = new GatheredBytes();

  constructor(
    private readonly status: number,
    private readonly headers: UpstreamHeaders,
    private readonly startedAt: number,
  ) {}

  /** False when the answer is larger than any answer is. */
  data(chunk: Buffer): boolean {
    this.gathered.add(chunk);
    return this.gathered.bytes <= MAX_ANSWER_BYTES;
  }

  whole(): WholeAnswer {
    const { status, headers, gathered, startedAt } = this;
    return { status, headers, body: gathered.whole(), tookMs: performance.now() - startedAt };
  }
}

/** Bills a whole answer and hands it to the client, in that order. Throws what the client is told instead. */
export async function settleResponse(attempt: Attempt, answer: WholeAnswer): Promise<void> {
  const { deployment, call } = attempt;
  const told = SOUND.test(contentTypeOf(answer)) ? undefined : parsed(answer.body);
  const usage = call.llm.kind.usage(told, { size: call.llm.size, price: deployment.price });
  if (answer.status < 200 || answer.status > 299) {
    // An error that says what it used has used it.
    if (usage && (usage.inputTokens || usage.outputTokens)) await attempt.settle(usage);
    else attempt.producedNothing();
    const retryAfter = answer.headers['retry-after'];
    throw upstreamAnswerError(
      answer.status,
      answer.body,
      deployment.secrets,
      typeof retryAfter === 'string' ? retryAfter : undefined,
      attempt.output.clampedTo,
    );
  }
  if (!told && !call.llm.kind.answersAnything) {
    throw new UpstreamError(502, 'The upstream answered something that is not JSON.', true);
  }
  const cost = usage
    ? await attempt.settle(usage)
    : await attempt.settle(estimate(attempt, told, answer.body.length), 'estimated');
  const { raw } = call.reply;
  if (raw.destroyed) return;
  const headers = Object.assign(
    responseHeaders(attempt, answer.headers, contentTypeOf(answer)),
    costHeader(cost),
    overheadHeader(performance.now() - call.startedAt - answer.tookMs),
    { 'content-length': answer.body.length },
  );
  raw.writeHead(answer.status, headers);
  raw.end(masked(answer.body, deployment.secrets));
}

/** No answer came, or not all of it. Money goes back only where nothing was sent; else whoever made the attempt settles it. */
export async function failResponse(attempt: Attempt, failure: UpstreamFailure): Promise<never> {
  if (failure.neverSent) attempt.producedNothing();
  throw failure.timedOut
    ? new UpstreamError(504, 'The upstream did not answer in time.', true)
    : new UpstreamError(502, `The upstream could not be reached: ${failure.reason}.`, true);
}

const SOUND = /^audio\//i;
const BYTE_ORDER_MARK = '\ufeff';

/** The answer as an object; undefined when it is none. Upstreams are read leniently: what they said counts. */
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

/** What was delivered, counted by us because the upstream did not. */
function estimate(attempt: Attempt, told: MockAnswer, answerBytes: number): Usage {
  const { call, deployment, output } = attempt;
  const { kind, size } = call.llm;
  if (kind.estimate) return kind.estimate({ size, price: deployment.price }, answerBytes);
  const bytes = kind.made(told).reduce((sum: number, one) => sum + bytesOf(one), 0);
  return {
    ...attempt.estimatedInput(),
    outputTokens: Math.min(estimatedTokens(bytes), output.atMost),
  };
}

function bytesOf(answered: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(answered));
  } catch {
    throw new UpstreamError(502, 'The upstream answered something that is nested too deeply.', true);
  }
}

const contentTypeOf = ({ headers }: WholeAnswer) =>
  typeof headers['content-type'] === 'string' ? headers['content-type'] : 'application/json';
