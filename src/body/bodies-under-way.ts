/** Counts the bytes of request bodies that are being received or used, to keep their sum within a bound. */
export class BodiesUnderWay {
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** Counts bytes that arrived. Returns false and counts nothing if they exceed the bound. */
  reserve(bytes: number): boolean {
    if (this.bytes + bytes > this.maxBytes) return false;
    this.bytes += bytes;
    return true;
  }

  /** Stops counting these bytes. */
  release(bytes: number): void {
    this.bytes -= bytes;
  }
}
