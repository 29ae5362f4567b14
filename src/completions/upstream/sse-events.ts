const DATA = Buffer.from('data:');
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/**
 * Returns the index after the blank line that ends the last complete event of a chunk, or 0 without one. The blank line may
 * begin in `before`, the bytes before the chunk.
 */
export function endOfLastEvent(chunk: Buffer, before: Buffer): number {
  const at = (i: number): number | undefined => (i >= 0 ? chunk[i] : before[before.length + i]);
  for (let i = chunk.length - 1; i >= 0; i--) {
    if (chunk[i] !== LINE_FEED) continue;
    if (at(i - 1) === LINE_FEED || (at(i - 1) === CARRIAGE_RETURN && at(i - 2) === LINE_FEED)) return i + 1;
  }
  return 0;
}

/** Returns the index after the blank line that ends the event at `start`, or the length of `bytes` without one. */
export function endOfEvent(bytes: Buffer, start: number): number {
  for (let i = bytes.indexOf(LINE_FEED, Math.max(start, 1)); i >= 0; i = bytes.indexOf(LINE_FEED, i + 1))
    if (bytes[i - 1] === LINE_FEED || (bytes[i - 1] === CARRIAGE_RETURN && bytes[i - 2] === LINE_FEED))
      return i + 1;
  return bytes.length;
}

/** Returns the data of an event: the values of its `data:` lines, joined by line feeds. */
export function dataOf(event: Buffer): Buffer | undefined {
  const values: Buffer[] = [];
  for (let at = event.indexOf(DATA); at >= 0; at = event.indexOf(DATA, at + DATA.length)) {
    if (at > 0 && event[at - 1] !== LINE_FEED) continue;
    const lineEnd = event.indexOf(LINE_FEED, at);
    let start = at + DATA.length;
    let end = lineEnd < 0 ? event.length : lineEnd;
    while (event[start] === SPACE) start++;
    while (end > start && event[end - 1]! <= SPACE) end--;
    values.push(event.subarray(start, end));
    if (lineEnd < 0) break;
    at = lineEnd - DATA.length;
  }
  if (values.length < 2) return values[0];
  return Buffer.concat(values.flatMap((value, i) => (i ? [Buffer.from('\n'), value] : [value])));
}

/** Returns the data of each of these complete events. */
export function* eventData(events: Buffer): Generator<Buffer> {
  for (let start = 0; start < events.length;) {
    const end = endOfEvent(events, start);
    const data = dataOf(events.subarray(start, end));
    if (data) yield data;
    start = end;
  }
}

/** Converts the line ends of a stream whose lines end with bare carriage returns. All other streams stay as they are. */
export class LineEnds {
  private isDecided = false;
  private hasBareReturns = false;

  /** Returns the bytes with line feeds as line ends. The first line end decides for the whole stream. */
  toLineFeeds(chunk: Buffer): Buffer {
    if (!this.isDecided) this.decide(chunk);
    if (!this.hasBareReturns) return chunk;
    const converted = Buffer.from(chunk);
    for (
      let at = converted.indexOf(CARRIAGE_RETURN);
      at >= 0;
      at = converted.indexOf(CARRIAGE_RETURN, at + 1)
    )
      converted[at] = LINE_FEED;
    return converted;
  }

  private decide(chunk: Buffer): void {
    const at = chunk.indexOf(CARRIAGE_RETURN);
    const hasLineFeed = chunk.includes(LINE_FEED);
    // A carriage return at the end of a chunk may be half of a line end, so a later chunk decides.
    this.hasBareReturns = !hasLineFeed && at >= 0 && at < chunk.length - 1;
    this.isDecided = hasLineFeed || this.hasBareReturns;
  }
}

/** Returns whether the start of a response looks like events, whatever its content type says. */
export const looksLikeEvents = (start: Buffer): boolean =>
  /^\ufeff?\s*(?:data|event|id|retry)?:/.test(start.toString('utf8', 0, 64));
