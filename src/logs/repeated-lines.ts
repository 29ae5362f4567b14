const WINDOW_MS = 10_000;
/** So many of one kind are written in a window; further ones are counted. */
const WRITTEN_EACH = 3;
/** So many kinds are told apart at once. */
const MAX_KINDS = 1_000;

interface Kind {
  written: number;
  more: number;
}

/**
 * Keeps one error, told again and again, from filling the log: of each kind the first few in ten seconds are written, the
 * rest are counted, and the count is told at the end of them.
 */
export class RepeatedLines {
  private readonly kinds = new Map<string, Kind>();

  /** May a line of this kind be written? `tellMore` is called with how many were not. */
  admits(name: string, tellMore: (count: number) => void): boolean {
    const kind = this.kinds.get(name);
    if (!kind) {
      if (this.kinds.size < MAX_KINDS) this.begin(name, tellMore);
      return true;
    }
    if (kind.written < WRITTEN_EACH) return ++kind.written > 0;
    kind.more++;
    return false;
  }

  private begin(name: string, tellMore: (count: number) => void): void {
    const kind = { written: 1, more: 0 };
    this.kinds.set(name, kind);
    setTimeout(() => {
      this.kinds.delete(name);
      if (kind.more) tellMore(kind.more);
    }, WINDOW_MS).unref();
  }
}
