import type { StreamFormat } from '../../call-types/call-type.js';
import type { Usage } from '../../policy/price.js';
import { GatheredBytes } from './gathered-bytes.js';
import { dataOf, endOfEvent, endOfLastEvent, LineEnds } from './sse-events.js';

/** Longest event of a translated stream. */
const MAX_EVENT_BYTES = 64 * 1024 * 1024;

/** Reads the usage of a provider's stream that is translated, by the same rules as that of a passed one. */
export class UsageTap {
  usage: Usage | undefined;
  usageIsPartial = false;
  private readonly tail = new GatheredBytes();
  private readonly lineEnds = new LineEnds();

  constructor(private readonly format: StreamFormat) {}

  /** Reads a chunk. Returns false if an event is too large. */
  push(bytes: Buffer): boolean {
    const chunk = this.lineEnds.toLineFeeds(bytes);
    const end = endOfLastEvent(chunk, this.tail.tail(2));
    if (end > 0) {
      let complete = chunk.subarray(0, end);
      if (this.tail.bytes) {
        this.tail.add(complete);
        complete = this.tail.whole();
        this.tail.clear();
      }
      this.read(complete);
    }
    if (end < chunk.length) this.tail.add(end > 0 ? chunk.subarray(end) : chunk);
    return this.tail.bytes <= MAX_EVENT_BYTES;
  }

  /** Reads the rest, if the upstream ended without a blank line. */
  end(): void {
    if (this.tail.bytes) this.read(this.tail.whole());
    this.tail.clear();
  }

  private read(events: Buffer): void {
    const { format } = this;
    if (!format.mayCarryUsage(events)) return;
    for (let start = 0; start < events.length;) {
      const end = endOfEvent(events, start);
      const data = dataOf(events.subarray(start, end));
      start = end;
      if (!data) continue;
      const { usage, usageIsPartial = false } = format.read(data, this.usage);
      if (!usage) continue;
      this.usage = usage;
      this.usageIsPartial = usageIsPartial;
    }
  }
}
