import { answerIdIn } from '../../call-types/answer-id.js';
import { BYTES_PER_TOKEN, estimatedTokens } from '../../call-types/reported-usage.js';
import type { Usage } from '../../policy/price.js';
import { responseHeaders, overheadHeader } from '../response-headers.js';
import { secretsOf } from '../../models/deployment.js';
import type { Attempt, ReportedSoFar } from '../attempt.js';
import type { BodiesUnderWay } from '../../body/bodies-under-way.js';
import { type AnswerEncoder, encoderFor } from './answer-encoder.js';
import { errorInEvents, errorInFirstEvent } from './event-error.js';
import type { ReportedError } from './reported-error.js';
import { EventTooLargeError, SseRelay } from './sse-relay.js';
import { HiddenReasoning } from './hidden-reasoning.js';
import { masked } from './secret-masking.js';
import {
  CLIENT_TIMEOUT,
  SettlementTimeoutError,
  statusOf,
  unusableAnswer,
  upstreamResponseError,
} from './upstream-error.js';
import type { UpstreamCall, UpstreamFailure, UpstreamHeaders } from './upstreams.js';

/** Maximum of unread bytes beside the largest event. A client that lets more wait is disconnected. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/** Time to wait for the usage event after the final text, if the client left. The event usually follows at once. */
const USAGE_WAIT_MS = 900;
const ID_MEMBER = '"id"';

/** Relays one streamed response and bills it before its terminator. */
export class SseExchange {
  private readonly relay: SseRelay;
  private readonly client;
  private readonly reasoning: HiddenReasoning;
  /** True if the client gets nothing more: it disconnected, or its own timeout is over. */
  private clientLeft;
  private isStarted = false;
  private hasFirstEvent = false;
  /** The last two writes to the client. */
  private lastWrites: readonly Buffer[] = [];
  /** The first write to the client with an id, for an answer that breaks off. */
  private firstIdWrite: Buffer | undefined;
  private largestWriteBytes = 0;
  /** Set if the client reads another form of streams. */
  private readonly encoder: AnswerEncoder | undefined;
  /** The error that came in place of the first event. */
  private firstError: ReportedError | undefined;

  constructor(
    private readonly attempt: Attempt,
    private readonly headers: UpstreamHeaders,
    private readonly upstream: UpstreamCall,
    private readonly onDisconnect: 'abort' | 'drain',
    private readonly sentAt: number,
    largeEvents: BodiesUnderWay,
  ) {
    const { kind, includeUsage } = attempt.llm;
    this.relay = new SseRelay(kind.stream, includeUsage || !kind.streamsUsageOnRequest, largeEvents);
    this.reasoning = new HiddenReasoning(attempt);
    const { native } = attempt.llm;
    this.encoder = native && encoderFor(native.form, native.query);
    this.client = attempt.call.reply.raw;
    this.clientLeft = attempt.isDetached;
    this.client.once('close', () => this.onClientClose());
    if (this.client.destroyed) this.onClientClose();
  }

  data(chunk: Buffer): void {
    try {
      this.forward(this.relay.push(chunk));
    } catch (error) {
      this.upstream.abort(error instanceof EventTooLargeError ? error.message : undefined);
    }
  }

  /** True if the response is over: its only terminator arrived, or an error in place of its first event. */
  get isOver(): boolean {
    return this.relay.isWhole || this.firstError !== undefined;
  }

  /**
   * Settles the call after the end of the response, then writes the terminator. Rejects with an `UpstreamError` if there was
   * no answer. Nothing was sent then, so another attempt may follow.
   */
  async end(): Promise<void> {
    this.forward(this.relay.rest());
    this.relay.release();
    if (this.firstError) {
      this.attempt.producedNothing();
      throw upstreamResponseError(this.attempt, {
        status: statusOf(this.firstError),
        headers: this.headers,
        reported: this.firstError,
      });
    }
    if (this.relay.isEmpty && !this.started)
      throw unusableAnswer(this.attempt, 'The upstream’s stream ended without an answer.');
    try {
      await this.settleWhole();
    } catch (error) {
      // The client must not take this response for a complete one, so it gets no terminator.
      if (error instanceof SettlementTimeoutError)
        return this.isGone ? undefined : void this.client.destroy();
      throw error;
    }
    if (this.isGone) return;
    this.start();
    const { terminator } = this.relay;
    const ending = terminator && masked(terminator, secretsOf(this.attempt.deployment));
    this.client.end(this.encoder ? this.encoder.end(ending) : ending);
  }

  /** Bills the delivered part after the upstream broke off, then writes an error event in the stream's own format. */
  async fail(failure: UpstreamFailure): Promise<void> {
    this.relay.release();
    if (this.clientLeft) await this.settle(null, 'estimated', this.estimatedUsage());
    else await this.settle('failed', 'unconfirmed', this.delivered());
    if (this.isGone) return;
    const message =
      failure.message ??
      (failure.timedOut ? 'The upstream did not answer in time.' : 'The upstream broke off its answer.');
    this.endWithError(message, failure.timedOut ? '504' : '502');
  }

  /** Ends the stream of a client whose own timeout is over. The call is billed as if the client had disconnected. */
  loseClient(): void {
    if (this.isGone) return;
    this.endWithError(CLIENT_TIMEOUT, '504');
    this.leave();
  }

  private endWithError(message: string, code: string): void {
    const error = { message, type: 'upstream_error', param: null, code };
    const event = this.attempt.llm.kind.stream.failure(error);
    this.client.end(this.encoder ? this.encoder.end(Buffer.from(event)) : event);
  }

  /** True if anything was sent to the client. If not, another attempt may follow. */
  get started(): boolean {
    return this.isStarted;
  }

  get hasEvents(): boolean {
    return this.relay.estimate.events > 0;
  }

  /** The usage that the provider reported. */
  private get reported(): ReportedSoFar {
    return this.attempt.reported ?? this.relay;
  }

  private get isGone(): boolean {
    return this.clientLeft || this.client.destroyed;
  }

  private forward(bytes: Buffer | undefined): void {
    if (!bytes || this.firstError) return;
    if (!this.hasFirstEvent && (this.firstError = errorInFirstEvent(bytes))) return;
    this.hasFirstEvent = true;
    if (this.isGone) return;
    this.start();
    this.reasoning.lookFor(bytes);
    if (!this.firstIdWrite && bytes.includes(ID_MEMBER)) this.firstIdWrite = bytes;
    this.lastWrites = [this.lastWrites.at(-1) ?? bytes, bytes];
    if (bytes.length > this.largestWriteBytes) this.largestWriteBytes = bytes.length;
    const safe = masked(bytes, secretsOf(this.attempt.deployment));
    this.client.write(this.encoder ? this.encoder.encode(safe) : safe);
    if (this.client.writableLength > MAX_UNREAD_BYTES + this.largestWriteBytes) this.client.destroy();
  }

  private start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    this.client.writeHead(200, {
      ...responseHeaders(
        this.attempt,
        this.headers,
        this.encoder?.contentType ?? 'text/event-stream; charset=utf-8',
      ),
      ...overheadHeader(this.sentAt - this.attempt.call.startedAt),
      'cache-control': 'no-cache',
      // nginx would collect the events, and a compressed stream would come at its end.
      'x-accel-buffering': 'no',
    });
  }

  private onClientClose(): void {
    if (!this.client.writableFinished) this.leave();
  }

  /** Continues without the client. */
  leave(): void {
    if (this.clientLeft) return;
    this.clientLeft = true;
    if (this.attempt.isDetached) return;
    // Without a delivered event the response is read to its end and billed exactly. Later, reading on only costs more.
    if (this.relay.estimate.events === 0 || this.onDisconnect === 'drain') return;
    // Hidden reasoning is billed already, and only the usage event tells its tokens.
    if (this.reasoning.isHidden) return;
    const { hasFinalText } = this.attempt.llm.kind.stream;
    if (this.lastWrites.some(hasFinalText)) setTimeout(() => this.upstream.abort(), USAGE_WAIT_MS).unref();
    else this.upstream.abort();
  }

  /** Settles a response that the upstream ended itself. */
  private async settleWhole(): Promise<void> {
    if (this.relay.hasFailed) return this.settle('failed', 'unconfirmed', this.delivered());
    if (this.lastWrites.some((events) => errorInEvents(events))) {
      // The error itself is no output.
      this.relay.estimate.events--;
      return this.settle('failed', 'unconfirmed', this.delivered());
    }
    const { hasFinalText } = this.attempt.llm.kind.stream;
    // A response that neither ends its text nor has a terminator was cut.
    const isCut = !this.clientLeft && !this.relay.terminator && !this.lastWrites.some(hasFinalText);
    return this.settle(null, isCut ? 'unconfirmed' : 'estimated', this.estimatedUsage());
  }

  /** Bills the usage that the upstream reported, with the first mark; else this count, with the second. */
  private async settle(
    mark: 'failed' | null,
    markOfCount: 'estimated' | 'unconfirmed',
    count: Usage,
  ): Promise<void> {
    const { answerId } = this.relay;
    const { usage, usageIsPartial } = this.reported;
    this.attempt.answerId = answerId ?? (this.firstIdWrite && answerIdIn(this.firstIdWrite));
    if (usage && !usageIsPartial) await this.attempt.settle(usage, mark);
    else await this.attempt.settle(count, markOfCount);
  }

  /** Returns the usage by the gateway's own count: the delivered output, and the cost beyond it. */
  private estimatedUsage(): Usage {
    const deliveredUsage = this.delivered();
    if (!this.relay.estimate.events) return deliveredUsage;
    const { llm, deployment, output } = this.attempt;
    const { kind, size } = llm;
    // An image or a transcript costs its whole price with the first event.
    if (kind.estimate) return kind.estimate({ size, price: deployment.price }, bytesOf(deliveredUsage));
    const { usage } = this.reported;
    const isUnseen = this.clientLeft && this.reasoning.isHidden;
    return {
      ...deliveredUsage,
      ...(!usage?.inputTokens && this.attempt.estimatedInput(this.clientLeft)),
      ...(isUnseen && output.paidTokens && { outputTokens: output.paidTokens.outputTokens }),
    };
  }

  /** Returns the usage of the output that the client received. */
  private delivered(): Usage {
    const { llm, output } = this.attempt;
    const { estimate } = this.relay;
    const { usage } = this.reported;
    if (!estimate.events) return { inputTokens: 0, outputTokens: 0 };
    const counted = (llm.kind.stream.countsAsItGoes && usage?.outputTokens) || 0;
    return {
      ...usage,
      inputTokens: usage?.inputTokens || estimatedTokens(llm.size.inputBytes),
      outputTokens: Math.min(Math.max(estimate.tokens, counted), output.atMost),
    };
  }
}

const bytesOf = ({ outputTokens }: Usage): number => outputTokens * BYTES_PER_TOKEN;
