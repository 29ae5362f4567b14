import { JsonProblem, memberValue, scanJsonObject } from '../http/json-scanner.js';
import type { Usage } from '../policy/price.js';
import { answerHeaders, costHeaders } from './answer-headers.js';
import type { Attempt } from './call.js';
import { UpstreamError, upstreamAnswerError } from './upstream-error.js';
import type { UpstreamFailure, UpstreamHeaders, UpstreamSink } from './upstreams.js';
import { estimatedTokens, reportedUsage } from './usage.js';

/** An upstream's answer, whole. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly body: Buffer;
  readonly tookMs: number;
}

const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const NOTHING_WATCHED = { names: new Set<string>(), mutedBelow: new Set<string>() };

/** Gathers an answer, bounded. */
export class AnswerGatherer implements Pick<UpstreamSink, 'data'> {
  private readonly chunks: Buffer[] = [];
  private bytes = 0;

  constructor(
    private readonly status: number,
    private readonly headers: UpstreamHeaders,
    private readonly startedAt: number,
  ) {}

  /** False when the answer is larger than any answer is. */
  data(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    return this.bytes <= MAX_ANSWER_BYTES;
  }

  whole(): WholeAnswer {
    const { status, headers, chunks, startedAt } = this;
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    return { status, headers, body, tookMs: performance.now() - startedAt };
  }
}

/** Bills a whole answer and hands it to the client, in that order. Throws what the client is told instead. */
export async function finishJson(attempt: Attempt, answer: WholeAnswer): Promise<void> {
  const { deployment, call } = attempt;
  if (answer.status < 200 || answer.status > 299) {
    await attempt.release();
    const retryAfter = answer.headers['retry-after'];
    throw upstreamAnswerError(
      answer.status,
      answer.body,
      deployment.secrets,
      typeof retryAfter === 'string' ? retryAfter : undefined,
    );
  }
  const usage = usageIn(answer.body);
  if (usage === 'unreadable') {
    await attempt.settleUnconfirmed();
    throw new UpstreamError(502, 'The upstream answered something that is not JSON.', true);
  }
  const cost = usage
    ? await attempt.settle(usage)
    : await attempt.settle(estimate(attempt, answer.body), 'estimated');
  const { raw } = call.reply;
  if (raw.destroyed) return;
  raw.writeHead(answer.status, {
    ...answerHeaders(attempt, answer.headers, contentTypeOf(answer)),
    ...costHeaders(attempt, cost, answer.tookMs),
    'content-length': answer.body.length,
  });
  raw.end(answer.body);
}

/** No answer came, or not all of it. */
export async function failExchange(attempt: Attempt, failure: UpstreamFailure): Promise<never> {
  if (failure.neverSent) await attempt.release();
  else await attempt.settleUnconfirmed();
  throw failure.timedOut
    ? new UpstreamError(504, 'The upstream did not answer in time.', true)
    : new UpstreamError(502, `The upstream could not be reached: ${failure.reason}.`, true);
}

function usageIn(body: Buffer): Usage | undefined | 'unreadable' {
  try {
    const usage = scanJsonObject(body, NOTHING_WATCHED).members.get('usage');
    return usage && reportedUsage(memberValue(body, usage));
  } catch (error) {
    if (error instanceof JsonProblem) return 'unreadable';
    throw error;
  }
}

/** What was delivered, counted by us because the upstream did not. */
function estimate({ call: { llm }, bound }: Attempt, body: Buffer): Usage {
  const { choices } = JSON.parse(body.toString('utf8')) as { choices?: unknown };
  const texts = Array.isArray(choices) ? choices.map((choice) => JSON.stringify(choice)) : [];
  const outputTokens = estimatedTokens(texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0));
  return {
    inputTokens: Math.min(estimatedTokens(llm.size.inputBytes), bound.inputTokens),
    outputTokens: Math.min(outputTokens, bound.outputTokens),
  };
}

const contentTypeOf = ({ headers }: WholeAnswer) =>
  typeof headers['content-type'] === 'string' ? headers['content-type'] : 'application/json';
