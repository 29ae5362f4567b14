/** A call that waits for a connection. */
export interface Waiting {
  /** Resolves when it has one: true. False: it waited for as long as it may, or left. */
  readonly given: Promise<boolean>;
  /** It waits no longer. */
  leave(): void;
}

interface Waiter {
  readonly answer: (given: boolean) => void;
}

/**
 * Counts the connections to one origin that are in use. Whoever finds all of them in use waits: first come, first
 * served, and not for ever.
 */
export class ConnectionQueue {
  private used = 0;
  private readonly waiters = new Set<Waiter>();

  constructor(
    private readonly most: number,
    private readonly patienceMs: number,
  ) {}

  /** Calls that wait. */
  get length(): number {
    return this.waiters.size;
  }

  /** Takes a connection at once, and returns undefined; or waits for one. */
  take(): Waiting | undefined {
    if (this.used < this.most) {
      this.used++;
      return undefined;
    }
    let leave!: () => void;
    const given = new Promise<boolean>((resolve) => {
      const waiter = {
        answer: (isGiven: boolean) => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          resolve(isGiven);
        },
      };
      leave = () => {
        if (this.waiters.has(waiter)) waiter.answer(false);
      };
      const timer = setTimeout(leave, this.patienceMs);
      this.waiters.add(waiter);
    });
    return { given, leave };
  }

  /** A connection is free again: whoever waits longest has it. */
  giveBack(): void {
    const [next] = this.waiters;
    if (next) next.answer(true);
    else this.used--;
  }
}
