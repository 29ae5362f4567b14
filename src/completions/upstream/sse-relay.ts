import type { EventContent, StreamFormat } from '../../call-types/call-type.js';
import type { BodiesUnderWay } from '../../body/bodies-under-way.js';
import type { Usage } from '../../policy/price.js';
import { StreamTokenEstimate } from './stream-token-estimate.js';
import { GatheredBytes } from './gathered-bytes.js';
import { dataOf, endOfEvent, endOfLastEvent, LineEnds } from './sse-events.js';

const LEAST_DATA_BYTES = 'data:'.length;
const MAX_EVENT_BYTES = 64 * 1024 * 1024;
/** Events up to this size need no share of the memory for large events. */
const SMALL_EVENT_BYTES = 8 * 1024 * 1024;
const MAX_WITHHELD_BYTES = 64 * 1024 * 1024;
const NOTHING: EventContent = {};

/** Thrown if the upstream sent more at once than the gateway can hold. The message is for the client. */
export class EventTooLargeError extends Error {}

/**
 * Forwards server-sent events as bytes, with two exceptions. A usage event is dropped if only the gateway asked for it. The
 * terminator is withheld until the call is settled. Only events that may carry usage are parsed.
 */
export class SseRelay {
  usage: Usage | undefined;
  /** True if more usage was expected after `usage`. */
  usageIsPartial = false;
  /** The `id` of the answer, once a parsed event had it. */
  answerId: string | undefined;
  /** The terminator and everything after it. `push` returns none of it. */
  private readonly ending = new GatheredBytes();
  readonly estimate: StreamTokenEstimate;
  /** Start of an event whose end did not arrive yet. */
  private readonly tail = new GatheredBytes();
  private readonly lineEnds = new LineEnds();
  /** True if an event reported that the output failed. */
  hasFailed = false;
  private reservedBytes = 0;

  /** `largeEvents`: the memory that the large events of all streams share. */
  constructor(
    private readonly format: StreamFormat,
    private readonly showUsage: boolean,
    private readonly largeEvents: BodiesUnderWay,
  ) {
    this.estimate = new StreamTokenEstimate(format.textMembers);
  }

  /** The terminator and everything after it. Undefined before it arrived. */
  get terminator(): Buffer | undefined {
    return this.ending.bytes ? this.ending.whole() : undefined;
  }

  /** True if the terminator arrived. Of several terminators only the upstream knows which is the last. */
  get isWhole(): boolean {
    return this.ending.bytes > 0 && !this.format.hasSeveralEnds;
  }

  /** Returns the bytes to forward now. Reads each byte once, in however many chunks an event arrives. */
  push(bytes: Buffer): Buffer | undefined {
    const chunk = this.lineEnds.toLineFeeds(bytes);
    const end = endOfLastEvent(chunk, this.tail.tail(2));
    let complete: Buffer | undefined;
    if (end > 0) {
      complete = chunk.subarray(0, end);
      if (this.tail.bytes) {
        this.tail.add(complete);
        complete = this.tail.whole();
        this.tail.clear();
      }
    }
    if (end < chunk.length) this.tail.add(end > 0 ? chunk.subarray(end) : chunk);
    if (this.tail.bytes > SMALL_EVENT_BYTES) this.reserve(this.tail.bytes);
    return complete && this.forward(complete);
  }

  /** True if the stream holds no answer: neither an event nor usage. */
  get isEmpty(): boolean {
    return !this.estimate.events && !this.usage && !this.terminator?.includes('{');
  }

  /** Gives back the memory for large events. Must be called once the stream is over. */
  release(): void {
    this.largeEvents.release(this.reservedBytes);
    this.reservedBytes = 0;
  }

  /** Reserves memory for an event of this size, and keeps it until the end of the stream. */
  private reserve(eventBytes: number): void {
    if (eventBytes > MAX_EVENT_BYTES)
      throw new EventTooLargeError('The upstream sent an event of more than 64 MiB, which is not forwarded.');
    const further = eventBytes - this.reservedBytes;
    if (further <= 0) return;
    if (!this.largeEvents.reserve(further))
      throw new EventTooLargeError('The upstreams send more large events at once than the gateway can hold.');
    this.reservedBytes = eventBytes;
  }

  /** Returns the rest, if the upstream ended in the middle of an event. */
  rest(): Buffer | undefined {
    const tail = this.tail.bytes ? this.tail.whole() : undefined;
    this.tail.clear();
    return tail && this.forward(tail);
  }

  private forward(events: Buffer): Buffer | undefined {
    if (this.isWhole) return undefined;
    const forwarded =
      this.ending.bytes || this.format.mayCarryUsage(events) ? this.forwardable(events) : events;
    if (!forwarded.length) return undefined;
    this.estimate.add(forwarded);
    return forwarded;
  }

  /** Returns the part of these events to forward. Withholds everything from the terminator on, as one piece. */
  private forwardable(events: Buffer): Buffer {
    const forwarded: Buffer[] = [];
    let hasEnded = this.ending.bytes > 0;
    let from = 0;
    let start = 0;
    while (start < events.length && !(hasEnded && !this.format.hasSeveralEnds)) {
      const end = endOfEvent(events, start);
      const hasData = end - start > LEAST_DATA_BYTES;
      const { ends, onlyUsage } = hasData ? this.readEvent(events.subarray(start, end)) : NOTHING;
      if (!hasEnded && (ends || (onlyUsage && !this.showUsage))) {
        forwarded.push(events.subarray(from, start));
        from = ends ? start : end;
      }
      hasEnded ||= ends === true;
      start = end;
    }
    if (hasEnded) this.withhold(events.subarray(from, start));
    else forwarded.push(events.subarray(from));
    return forwarded.length === 1 ? forwarded[0]! : Buffer.concat(forwarded);
  }

  private withhold(events: Buffer): void {
    this.ending.add(events);
    if (this.ending.bytes > MAX_WITHHELD_BYTES)
      throw new EventTooLargeError(
        'The upstream sent an end of its stream of more than 64 MiB, which is not forwarded.',
      );
  }

  /** Reads the usage of an event. */
  private readEvent(event: Buffer): EventContent {
    const data = dataOf(event);
    const content = data ? this.format.read(data, this.usage) : NOTHING;
    if (content.fails) this.hasFailed = true;
    this.answerId ??= content.answerId;
    if (content.usage) {
      this.usage = content.usage;
      this.usageIsPartial = content.usageIsPartial ?? false;
    }
    return content;
  }
}
