import type { EventContent, StreamFormat } from '../../call-types/call-type.js';
import type { Usage } from '../../policy/price.js';
import { StreamTokenEstimate } from './stream-token-estimate.js';
import { GatheredBytes } from './gathered-bytes.js';

const DATA = Buffer.from('data:');
const MAX_EVENT_BYTES = 8 * 1024 * 1024;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const NOTHING: EventContent = {};

/**
 * Passes server-sent events on as the bytes they are, but for two: the usage event the gate asked for and the client
 * did not, and the terminator, which must wait until the call is settled. Only events that may tell something are parsed.
 */
export class SseRelay {
  usage: Usage | undefined;
  /** More of it was still to come. */
  usageIsPartial = false;
  /** The terminator and what came behind it. None of it is among the bytes `push` returns. */
  private readonly last = new GatheredBytes();
  readonly delivered: StreamTokenEstimate;
  /** The beginning of an event whose end has not come. */
  private readonly tail = new GatheredBytes();

  constructor(
    private readonly form: StreamFormat,
    private readonly showUsage: boolean,
  ) {
    this.delivered = new StreamTokenEstimate(form.textMembers);
  }

  /** The terminator, once it came, with what followed it. */
  get terminator(): Buffer | undefined {
    return this.last.bytes ? this.last.whole() : undefined;
  }

  /** The last word was said. Of several answers only the upstream knows which is the last. */
  get isWhole(): boolean {
    return this.last.bytes > 0 && !this.form.endsPerAnswer;
  }

  /** What may be passed on now. Bytes are looked at once, however many chunks an event comes in. */
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
    return complete && this.pass(complete);
  }

  /** What is left when the upstream ended in the middle of an event. */
  rest(): Buffer | undefined {
    const tail = this.tail.bytes ? this.tail.whole() : undefined;
    this.tail.clear();
    return tail && this.pass(tail);
  }

  private pass(events: Buffer): Buffer | undefined {
    if (this.isWhole) return undefined;
    const passed = this.last.bytes || this.form.mayCarryUsage(events) ? this.passing(events) : events;
    if (!passed.length) return undefined;
    this.delivered.add(passed);
    return passed;
  }

  /** What of these events is passed on. From the terminator on everything is kept, as one piece however many events it is. */
  private passing(events: Buffer): Buffer {
    const passed: Buffer[] = [];
    let hasEnded = this.last.bytes > 0;
    let from = 0;
    let start = 0;
    while (start < events.length && !(hasEnded && !this.form.endsPerAnswer)) {
      const end = endOfEvent(events, start);
      const saysSomething = end - start > DATA.length;
      const { ends, onlyUsage } = saysSomething ? this.heard(events.subarray(start, end)) : NOTHING;
      if (!hasEnded && (ends || (onlyUsage && !this.showUsage))) {
        passed.push(events.subarray(from, start));
        from = ends ? start : end;
      }
      hasEnded ||= ends === true;
      start = end;
    }
    if (hasEnded) this.keep(events.subarray(from, start));
    else passed.push(events.subarray(from));
    return passed.length === 1 ? passed[0]! : Buffer.concat(passed);
  }

  private keep(events: Buffer): void {
    this.last.add(events);
    if (this.last.bytes > MAX_WAITING_BYTES) throw new Error('The end of the answer is too large.');
  }

  /** Takes note of what an event says. */
  private heard(event: Buffer): EventContent {
    const data = dataOf(event);
    const says = data ? this.form.read(data, this.usage) : NOTHING;
    if (says.usage) {
      this.usage = says.usage;
      this.usageIsPartial = says.usageIsPartial ?? false;
    }
    return says;
  }
}

/** One past the blank line that ends the last complete event of a chunk; 0 without one. Its line may begin in the bytes before. */
function endOfLastEvent(chunk: Buffer, before: Buffer): number {
  const at = (i: number): number | undefined => (i >= 0 ? chunk[i] : before[before.length + i]);
  for (let i = chunk.length - 1; i >= 0; i--) {
    if (chunk[i] !== 0x0a) continue;
    if (at(i - 1) === 0x0a || (at(i - 1) === 0x0d && at(i - 2) === 0x0a)) return i + 1;
  }
  return 0;
}

/** One past the blank line that ends the event that begins at `start`; one past the last byte without one. */
function endOfEvent(bytes: Buffer, start: number): number {
  for (let i = bytes.indexOf(0x0a, Math.max(start, 1)); i >= 0; i = bytes.indexOf(0x0a, i + 1))
    if (bytes[i - 1] === 0x0a || (bytes[i - 1] === 0x0d && bytes[i - 2] === 0x0a)) return i + 1;
  return bytes.length;
}

/** The `data:` of a one-line event. */
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
