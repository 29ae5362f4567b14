/** Number of pieces that are joined to one, because a small buffer takes many times its bytes of memory. */
const PIECES_JOINED = 1_024;

const NO_BYTES = Buffer.alloc(0);

/** Collects bytes that arrive in pieces and joins them on demand. Copies each byte at most twice. */
export class GatheredBytes {
  bytes = 0;
  private readonly joined: Buffer[] = [];
  private recent: Buffer[] = [];

  add(piece: Buffer): void {
    this.bytes += piece.length;
    if (this.recent.push(piece) < PIECES_JOINED) return;
    this.joined.push(Buffer.concat(this.recent));
    this.recent = [];
  }

  /** Returns all bytes so far. */
  whole(): Buffer {
    const pieces = [...this.joined, ...this.recent];
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** Returns the last pieces that together have at least this many bytes, or all pieces. */
  tail(bytes: number): Buffer {
    let tail = this.recent.at(-1) ?? this.joined.at(-1) ?? NO_BYTES;
    for (let before = 2; tail.length < bytes && before <= bytes; before++) {
      const piece = this.recent.at(-before) ?? this.joined.at(this.recent.length - before);
      if (!piece) break;
      tail = Buffer.concat([piece, tail]);
    }
    return tail;
  }

  clear(): void {
    this.bytes = 0;
    this.joined.length = 0;
    this.recent = [];
  }
}
