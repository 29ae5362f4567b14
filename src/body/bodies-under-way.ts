/** Counts the bytes of request bodies that are being received or used, so that all of them together stay within a bound. */
export class BodiesUnderWay {
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** Counts bytes that have arrived. False, and nothing is counted, when there is no room for them. */
  take(bytes: number): boolean {
    if (this.bytes + bytes > this.maxBytes) return false;
    this.bytes += bytes;
    return true;
  }

  /** Gives back what was counted. */
  giveBack(bytes: number): void {
    this.bytes -= bytes;
  }
}
