import { BYTES_PER_TOKEN, estimatedTokens } from '../../call-types/reported-usage.js';
import type { Usage } from '../../policy/price.js';
import { responseHeaders, overheadHeader } from '../response-headers.js';
import type { Attempt } from '../call.js';
import { SseRelay } from './sse-relay.js';
import { HiddenReasoning } from './hidden-reasoning.js';
import { SettlementTimeoutError, masked } from './upstream-error.js';
import type { UpstreamCall, UpstreamFailure, UpstreamHeaders } from './upstreams.js';

/** A client that stopped reading is treated as gone once this much waits for it. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/** After the last word of an answer its usage follows at once: so long it is waited for when nobody reads any more. */
const USAGE_WAIT_MS = 900;

/** Relays one streamed answer and bills it before its terminator. */
export class SseExchange {
  private readonly relay: SseRelay;
  private readonly client;
  private readonly thoughts: HiddenReasoning;
  private clientLeft = false;
  /** What was passed on last, and before that. */
  private passed: readonly Buffer[] = [];

  constructor(
    private readonly attempt: Attempt,
    private readonly headers: UpstreamHeaders,
    private readonly upstream: UpstreamCall,
    private readonly onDisconnect: 'abort' | 'drain',
    private readonly sentAt: number,
  ) {
    const { kind, includeUsage: wantsUsage } = attempt.call.llm;
    this.relay = new SseRelay(kind.stream, wantsUsage || !kind.asksForUsage);
    this.thoughts = new HiddenReasoning(attempt);
    this.client = attempt.call.reply.raw;
    this.client.once('close', () => this.clientGone());
    if (this.client.destroyed) this.clientGone();
  }

  data(chunk: Buffer): void {
    try {
      this.passOn(this.relay.push(chunk));
    } catch {
      this.upstream.abort();
    }
  }

  /** Nothing more can come: the answer's one terminator is there. */
  get isWhole(): boolean {
    return this.relay.isWhole;
  }

  /** The upstream is done: settle, then the terminator. */
  async end(): Promise<void> {
    this.passOn(this.relay.rest());
    try {
      await this.settle('estimated');
    } catch (error) {
      // The client sees a stream without its terminator: it must not take this answer for a complete one.
      if (error instanceof SettlementTimeoutError) return void this.client.destroy();
      throw error;
    }
    if (this.client.destroyed) return;
    this.start();
    this.client.end(this.relay.terminator);
  }

  /** The upstream broke off. What was delivered is billed; the client is told in the stream's own form. */
  async fail(failure: UpstreamFailure): Promise<void> {
    await this.settle(this.clientLeft ? 'estimated' : 'unconfirmed');
    if (this.client.destroyed) return;
    const message = failure.timedOut
      ? 'The upstream did not answer in time.'
      : 'The upstream broke off its answer.';
    const error = { message, type: 'upstream_error', param: null, code: failure.timedOut ? '504' : '502' };
    this.client.end(this.attempt.call.llm.kind.stream.failure(error));
  }

  /** Has anything reached the client? If not, another attempt may still answer. */
  get started(): boolean {
    return this.client.headersSent;
  }

  private passOn(bytes: Buffer | undefined): void {
    if (!bytes || this.client.destroyed) return;
    this.start();
    this.thoughts.lookFor(bytes);
    this.passed = [this.passed.at(-1) ?? bytes, bytes];
    this.client.write(masked(bytes, this.attempt.deployment.secrets));
    if (this.client.writableLength > MAX_UNREAD_BYTES) this.client.destroy();
  }

  private start(): void {
    if (this.client.headersSent) return;
    this.client.writeHead(200, {
      ...responseHeaders(this.attempt, this.headers, 'text/event-stream; charset=utf-8'),
      ...overheadHeader(this.sentAt - this.attempt.call.startedAt),
      'cache-control': 'no-cache',
    });
  }

  private clientGone(): void {
    if (this.client.writableFinished) return;
    this.clientLeft = true;
    // Before the first byte the call is read to its end and billed truly; after it, reading on only costs more.
    if (this.relay.delivered.events === 0 || this.onDisconnect === 'drain') return;
    // What the model thought before is paid already, and only the usage says how much that was.
    if (this.thoughts.areHidden) return;
    const { saysLastWord } = this.attempt.call.llm.kind.stream;
    if (this.passed.some(saysLastWord)) setTimeout(() => this.upstream.abort(), USAGE_WAIT_MS).unref();
    else this.upstream.abort();
  }

  private async settle(mark: 'estimated' | 'unconfirmed'): Promise<void> {
    const { usage, usageIsPartial } = this.relay;
    if (usage && !usageIsPartial) await this.attempt.settle(usage);
    else await this.attempt.settle(mark === 'estimated' ? this.estimated() : this.delivered(), mark);
  }

  /** What the answer took, by our own count: what the client saw, and what it cost beyond that. */
  private estimated(): Usage {
    const delivered = this.delivered();
    if (!this.relay.delivered.events) return delivered;
    const { call, deployment, output } = this.attempt;
    const { kind, size } = call.llm;
    // An image, or a sound that was heard, costs all of its price with the first event.
    if (kind.estimate) return kind.estimate({ size, price: deployment.price }, bytesOf(delivered));
    const { usage } = this.relay;
    const isUnseen = this.clientLeft && this.thoughts.areHidden;
    return {
      ...delivered,
      ...(!usage?.inputTokens && this.attempt.estimatedInput(this.clientLeft)),
      ...(isUnseen && output.held && { outputTokens: output.held.outputTokens }),
    };
  }

  /** What the client saw. */
  private delivered(): Usage {
    const { call, output } = this.attempt;
    const { usage, delivered } = this.relay;
    if (!delivered.events) return { inputTokens: 0, outputTokens: 0 };
    return {
      ...usage,
      inputTokens: usage?.inputTokens || estimatedTokens(call.llm.size.inputBytes),
      outputTokens: Math.min(delivered.tokens, output.atMost),
    };
  }
}

const bytesOf = ({ outputTokens }: Usage): number => outputTokens * BYTES_PER_TOKEN;
