import { indexOfValue, type QuotedText } from '../../call-types/json-string-search.js';
import { estimatedTokens } from '../../call-types/reported-usage.js';

const DATA = Buffer.from('data:');
const LINE_OF_DATA = Buffer.from('\ndata:');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LARGE_EVENT_BYTES = 512;
const MEASURED_FIRST = 4;
const MEASURED_OF = 16;

/**
 * What of a stream reached its client: for one that ends without saying what it used. Nearly all say it, so this costs
 * little: events are counted; the text in them is measured where they are large, and where they are small in the first
 * pieces of the stream and in every sixteenth after, the others being taken to be alike.
 */
export class StreamTokenEstimate {
  events = 0;
  private largeTextBytes = 0;
  private smallPieces = 0;
  private smallEvents = 0;
  private measuredEvents = 0;
  private measuredTextBytes = 0;

  /** `textMembers`: those that carry, in quotes, what a model wrote. */
  constructor(private readonly textMembers: readonly QuotedText[]) {}

  /** `piece`: whole events, as many as came at once. */
  add(piece: Buffer): void {
    const events = dataLines(piece);
    this.events += events;
    if (piece.length > LARGE_EVENT_BYTES * events) {
      this.largeTextBytes += textBytesIn(piece, this.textMembers);
      return;
    }
    this.smallEvents += events;
    if (this.smallPieces++ >= MEASURED_FIRST && this.smallPieces % MEASURED_OF) return;
    this.measuredEvents += events;
    this.measuredTextBytes += textBytesIn(piece, this.textMembers);
  }

  /** Usually one event is one token; some upstreams put many into one. */
  get tokens(): number {
    const { largeTextBytes, smallEvents, measuredEvents, measuredTextBytes } = this;
    const smallTextBytes = measuredEvents && (measuredTextBytes * smallEvents) / measuredEvents;
    return Math.max(this.events, estimatedTokens(largeTextBytes + smallTextBytes));
  }
}

/** Lines that begin with `data:`; what a model says in the middle of one does not count. */
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
