import { indexOfValue, type QuotedText } from '../../call-types/json-string-search.js';
import { estimatedTokens } from '../../call-types/reported-usage.js';

const DATA = Buffer.from('data:');
const LINE_OF_DATA = Buffer.from('\ndata:');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LARGE_EVENT_BYTES = 512;
const MEASURED_FIRST = 4;
const MEASURED_EVERY = 16;

/**
 * Estimates the output tokens that a client received, for a stream that ends without usage. Nearly all streams report
 * usage, so the estimate must cost little. It counts events. It measures the text of all large events, and of small events
 * in the first pieces and in every sixteenth piece. It takes the other small events to be alike.
 */
export class StreamTokenEstimate {
  events = 0;
  private largeTextBytes = 0;
  private smallPieces = 0;
  private smallEvents = 0;
  private measuredEvents = 0;
  private measuredTextBytes = 0;

  /** `textMembers`: the members whose string values carry the model's text. */
  constructor(private readonly textMembers: readonly QuotedText[]) {}

  /** Adds one or more complete events. */
  add(piece: Buffer): void {
    const events = dataLines(piece);
    this.events += events;
    if (piece.length > LARGE_EVENT_BYTES * events) {
      this.largeTextBytes += textBytesIn(piece, this.textMembers);
      return;
    }
    this.smallEvents += events;
    if (this.smallPieces++ >= MEASURED_FIRST && this.smallPieces % MEASURED_EVERY) return;
    this.measuredEvents += events;
    this.measuredTextBytes += textBytesIn(piece, this.textMembers);
  }

  /** Estimated tokens. Usually one event is one token, but some upstreams put many tokens into one event. */
  get tokens(): number {
    const { largeTextBytes, smallEvents, measuredEvents, measuredTextBytes } = this;
    const smallTextBytes = measuredEvents && (measuredTextBytes * smallEvents) / measuredEvents;
    return Math.max(this.events, estimatedTokens(largeTextBytes + smallTextBytes));
  }
}

/** Counts lines that begin with `data:`. The same text in the middle of a line does not count. */
function dataLines(bytes: Buffer): number {
  let count = bytes.indexOf(DATA) === 0 ? 1 : 0;
  for (let at = bytes.indexOf(LINE_OF_DATA); at >= 0; at = bytes.indexOf(LINE_OF_DATA, at + DATA.length))
    count++;
  return count;
}

function textBytesIn(events: Buffer, members: readonly QuotedText[]): number {
  let bytes = 0;
  for (const member of members) {
    for (let at = indexOfValue(events, member); at >= 0; at = indexOfValue(events, member, at)) {
      if (events[at] !== QUOTE) continue;
      const start = ++at;
      while (at < events.length && events[at] !== QUOTE) at += events[at] === BACKSLASH ? 2 : 1;
      bytes += at - start;
    }
  }
  return bytes;
}
