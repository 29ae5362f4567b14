const WINDOW_MS = 10_000;
/** The most lines of one kind in a window. Further ones are counted. */
const MAX_LINES_EACH = 3;
/** The most kinds that are tracked at once. */
const MAX_KINDS = 1_000;

interface Kind {
  written: number;
  suppressed: number;
}

/**
 * Keeps a repeated error from filling the log. The first few lines of a kind in ten seconds are written and the rest
 * are counted. The count is written at the end.
 */
export class RepeatedLines {
  private readonly kinds = new Map<string, Kind>();

  /** Returns true if a line of this kind may be written. `onSuppressed` gets the number of suppressed lines. */
  admits(name: string, onSuppressed: (count: number) => void): boolean {
    const kind = this.kinds.get(name);
    if (!kind) {
      if (this.kinds.size < MAX_KINDS) this.begin(name, onSuppressed);
      return true;
    }
    if (kind.written < MAX_LINES_EACH) return ++kind.written > 0;
    kind.suppressed++;
    return false;
  }

  private begin(name: string, onSuppressed: (count: number) => void): void {
    const kind = { written: 1, suppressed: 0 };
    this.kinds.set(name, kind);
    setTimeout(() => {
      this.kinds.delete(name);
      if (kind.suppressed) onSuppressed(kind.suppressed);
    }, WINDOW_MS).unref();
  }
}
