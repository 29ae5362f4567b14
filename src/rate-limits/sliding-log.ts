/** An admitted event and its amount. */
export interface LogEntry {
  readonly at: number;
  amount: number;
}

/** The events of the last `spanMs`, exact at every instant, not by calendar minutes. Times must not go back. */
export class SlidingLog {
  private entries: LogEntry[] = [];
  private first = 0;
  private sum = 0;

  constructor(private readonly spanMs: number) {}

  usedAt(now: number): number {
    this.dropExpired(now);
    return this.sum;
  }

  /** When the oldest entry stops counting, in epoch milliseconds. Undefined without entries. */
  get nextFreeAt(): number | undefined {
    const oldest = this.entries[this.first];
    return oldest && oldest.at + this.spanMs;
  }

  add(now: number, amount: number): LogEntry {
    const entry = { at: now, amount };
    this.entries.push(entry);
    this.sum += amount;
    return entry;
  }

  /** Changes the amount of an entry. An expired entry stays expired. */
  change(entry: LogEntry, amount: number): void {
    const oldest = this.entries[this.first];
    if (oldest && entry.at >= oldest.at) this.sum += amount - entry.amount;
    entry.amount = amount;
  }

  private dropExpired(now: number): void {
    while (this.first < this.entries.length && this.entries[this.first]!.at <= now - this.spanMs) {
      this.sum -= this.entries[this.first++]!.amount;
    }
    if (this.first * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.first);
      this.first = 0;
    }
  }
}
