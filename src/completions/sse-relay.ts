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
  /** The terminator, once it came. It is not among the bytes `push` returns. */
  terminator: Buffer | undefined;
  readonly delivered: Delivered;
  private tail: Buffer | undefined;

  constructor(
    private readonly form: StreamForm,
    private readonly showUsage: boolean,
  ) {
    this.delivered = new Delivered(form.textMembers);
  }

  /** The last word was said. Of several answers only the upstream knows which is the last. */
  get isWhole(): boolean {
    return this.terminator !== undefined && !this.form.endsPerAnswer;
  }

  /** What may be passed on now. */
  push(chunk: Buffer): Buffer | undefined {
    const bytes = this.tail ? Buffer.concat([this.tail, chunk]) : chunk;
    const end = endOfLastEvent(bytes, this.tail?.length ?? 1);
    this.tail = end < bytes.length ? bytes.subarray(end) : undefined;
    if (this.tail && this.tail.length > MAX_EVENT_BYTES)
      throw new Error('An event of the upstream is too large.');
    return end > 0 ? this.pass(bytes.subarray(0, end)) : undefined;
  }

  /** What is left when the upstream ended in the middle of an event. */
  rest(): Buffer | undefined {
    const { tail } = this;
    this.tail = undefined;
    return tail && this.pass(tail);
  }

  private pass(events: Buffer): Buffer | undefined {
    const passed =
      this.terminator || this.form.mayTell(events)
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
    if (ends || this.terminator) {
      this.terminator = this.terminator ? Buffer.concat([this.terminator, event]) : event;
      if (this.terminator.length > MAX_WAITING_BYTES) throw new Error('The end of the answer is too large.');
      return false;
    }
    return this.showUsage || !onlyUsage;
  }
}

/** One past the blank line that ends the last complete event; 0 without one. None ends before `from`. */
function endOfLastEvent(bytes: Buffer, from: number): number {
  for (let i = bytes.length - 1; i >= from; i--) {
    if (bytes[i] !== 0x0a) continue;
    if (bytes[i - 1] === 0x0a || (bytes[i - 1] === 0x0d && bytes[i - 2] === 0x0a)) return i + 1;
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
