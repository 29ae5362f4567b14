import type { EventContent, StreamFormat } from '../../call-types/call-type.js';
import type { Usage } from '../../policy/price.js';
import { StreamTokenEstimate } from './stream-token-estimate.js';
import { GatheredBytes } from './gathered-bytes.js';

const DATA = Buffer.from('data:');
const MAX_EVENT_BYTES = 8 * 1024 * 1024;
const MAX_WITHHELD_BYTES = 64 * 1024 * 1024;
const NOTHING: EventContent = {};

/**
 * Forwards server-sent events as bytes, with two exceptions. A usage event is dropped if only the gateway asked for it. The
 * terminator is withheld until the call is settled. Only events that may carry usage are parsed.
 */
export class SseRelay {
  usage: Usage | undefined;
  /** True if more usage was expected after `usage`. */
  usageIsPartial = false;
  /** The terminator and everything after it. `push` returns none of it. */
  private readonly ending = new GatheredBytes();
  readonly estimate: StreamTokenEstimate;
  /** Start of an event whose end did not arrive yet. */
  private readonly tail = new GatheredBytes();

  constructor(
    private readonly format: StreamFormat,
    private readonly showUsage: boolean,
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
  push(chunk: Buffer): Buffer | undefined {
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
    if (this.tail.bytes > MAX_EVENT_BYTES) throw new Error('An event of the upstream is too large.');
    return complete && this.forward(complete);
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
      const hasData = end - start > DATA.length;
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
    if (this.ending.bytes > MAX_WITHHELD_BYTES) throw new Error('The end of the answer is too large.');
  }

  /** Reads the usage of an event. */
  private readEvent(event: Buffer): EventContent {
    const data = dataOf(event);
    const content = data ? this.format.read(data, this.usage) : NOTHING;
    if (content.usage) {
      this.usage = content.usage;
      this.usageIsPartial = content.usageIsPartial ?? false;
    }
    return content;
  }
}

/**
 * Returns the index after the blank line that ends the last complete event of a chunk, or 0 without one. The blank line may
 * begin in `before`, the bytes before the chunk.
 */
function endOfLastEvent(chunk: Buffer, before: Buffer): number {
  const at = (i: number): number | undefined => (i >= 0 ? chunk[i] : before[before.length + i]);
  for (let i = chunk.length - 1; i >= 0; i--) {
    if (chunk[i] !== 0x0a) continue;
    if (at(i - 1) === 0x0a || (at(i - 1) === 0x0d && at(i - 2) === 0x0a)) return i + 1;
  }
  return 0;
}

/** Returns the index after the blank line that ends the event at `start`, or the length of `bytes` without one. */
function endOfEvent(bytes: Buffer, start: number): number {
  for (let i = bytes.indexOf(0x0a, Math.max(start, 1)); i >= 0; i = bytes.indexOf(0x0a, i + 1))
    if (bytes[i - 1] === 0x0a || (bytes[i - 1] === 0x0d && bytes[i - 2] === 0x0a)) return i + 1;
  return bytes.length;
}

/** Returns the value of an event's `data:` line. */
function dataOf(event: Buffer): Buffer | undefined {
  const at = event.indexOf(DATA);
  if (at < 0 || (at > 0 && event[at - 1] !== 0x0a)) return undefined;
  const lineEnd = event.indexOf(0x0a, at);
  let start = at + DATA.length;
  let end = lineEnd < 0 ? event.length : lineEnd;
  while (event[start] === 0x20) start++;
  while (end > start && event[end - 1]! <= 0x20) end--;
  return event.subarray(start, end);
}
