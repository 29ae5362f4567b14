import type { EventSays, StreamForm } from '../kinds/call-kind.js';
import type { Usage } from '../policy/price.js';
import { Delivered } from './delivered.js';

const DATA = Buffer.from('data:');
const MAX_EVENT_BYTES = 8 * 1024 * 1024;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const NOTHING: EventSays = {};

/**
 * Passes server-sent events on as the bytes they are, but for two: the usage event the gate asked for and the client
 * did not, and the terminator, which must wait until the call is settled. Only events that may tell something are parsed.
 */
export class SseRelay {
  usage: Usage | undefined;
  /** More of it was still to come. */
  usageIsPartial = false;
  /** The terminator and what came behind it. None of it is among the bytes `push` returns. */
  private readonly last: Buffer[] = [];
  private lastBytes = 0;
  readonly delivered: Delivered;
  /** The beginning of an event whose end has not come, in the pieces it came in. */
  private tail: Buffer[] = [];
  private tailBytes = 0;

  constructor(
    private readonly form: StreamForm,
    private readonly showUsage: boolean,
  ) {
    this.delivered = new Delivered(form.textMembers);
  }

  /** The terminator, once it came, with what followed it. */
  get terminator(): Buffer | undefined {
    return this.last.length ? joined(this.last) : undefined;
  }

  /** The last word was said. Of several answers only the upstream knows which is the last. */
  get isWhole(): boolean {
    return this.last.length > 0 && !this.form.endsPerAnswer;
  }

  /** What may be passed on now. Bytes are looked at once, however many chunks an event comes in. */
  push(chunk: Buffer): Buffer | undefined {
    const end = endOfLastEvent(chunk, this.tail.at(-1) ?? NO_BYTES, this.tail.at(-2) ?? NO_BYTES);
    const complete = end > 0 ? joined([...this.tail, chunk.subarray(0, end)]) : undefined;
    if (complete) this.clearTail();
    if (end < chunk.length) {
      this.tail.push(end > 0 ? chunk.subarray(end) : chunk);
      this.tailBytes += chunk.length - end;
    }
    if (this.tailBytes > MAX_EVENT_BYTES) throw new Error('An event of the upstream is too large.');
    return complete && this.pass(complete);
  }

  /** What is left when the upstream ended in the middle of an event. */
  rest(): Buffer | undefined {
    const tail = this.tailBytes ? joined(this.tail) : undefined;
    this.clearTail();
    return tail && this.pass(tail);
  }

  private clearTail(): void {
    this.tail = [];
    this.tailBytes = 0;
  }

  private pass(events: Buffer): Buffer | undefined {
    const passed =
      this.last.length || this.form.mayTell(events)
        ? Buffer.concat(splitEvents(events).filter((e) => this.passes(e)))
        : events;
    if (!passed.length) return undefined;
    this.delivered.add(passed);
    return passed;
  }

  private passes(event: Buffer): boolean {
    if (this.isWhole) return false;
    const data = dataOf(event);
    const {
      usage,
      usageIsPartial = false,
      ends,
      onlyUsage,
    } = data ? this.form.read(data, this.usage) : NOTHING;
    if (usage) {
      this.usage = usage;
      this.usageIsPartial = usageIsPartial;
    }
    if (ends || this.last.length) {
      this.last.push(event);
      this.lastBytes += event.length;
      if (this.lastBytes > MAX_WAITING_BYTES) throw new Error('The end of the answer is too large.');
      return false;
    }
    return this.showUsage || !onlyUsage;
  }
}

const NO_BYTES = Buffer.alloc(0);

const joined = (pieces: readonly Buffer[]): Buffer =>
  pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);

/** One past the blank line that ends the last complete event of a chunk; 0 without one. Its line may begin in the pieces before. */
function endOfLastEvent(chunk: Buffer, before: Buffer, beforeThat: Buffer): number {
  const at = (i: number): number | undefined => {
    if (i >= 0) return chunk[i];
    const inBefore = before.length + i;
    return inBefore >= 0 ? before[inBefore] : beforeThat[beforeThat.length + inBefore];
  };
  for (let i = chunk.length - 1; i >= 0; i--) {
    if (chunk[i] !== 0x0a) continue;
    if (at(i - 1) === 0x0a || (at(i - 1) === 0x0d && at(i - 2) === 0x0a)) return i + 1;
  }
  return 0;
}

function splitEvents(bytes: Buffer): Buffer[] {
  const events: Buffer[] = [];
  let start = 0;
  for (let i = 1; i < bytes.length; i++) {
    if (bytes[i] !== 0x0a) continue;
    if (bytes[i - 1] === 0x0a || (bytes[i - 1] === 0x0d && bytes[i - 2] === 0x0a)) {
      events.push(bytes.subarray(start, i + 1));
      start = i + 1;
    }
  }
  if (start < bytes.length) events.push(bytes.subarray(start));
  return events;
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
