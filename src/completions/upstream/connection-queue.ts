/** A connection that a call waits for. */
export interface PendingConnection {
  /** Resolves to true when the call has the connection. Resolves to false after the maximum wait or `cancel`. */
  readonly granted: Promise<boolean>;
  /** Ends the wait. */
  cancel(): void;
}

interface Waiter {
  readonly settle: (isGranted: boolean) => void;
}

/**
 * Counts the connections to one origin that are in use. If all are in use, calls wait, first come, first served, for a
 * bounded time.
 */
export class ConnectionQueue {
  private used = 0;
  private readonly waiters = new Set<Waiter>();

  constructor(
    private readonly maxConnections: number,
    private readonly maxWaitMs: number,
  ) {}

  /** Number of calls that wait. */
  get length(): number {
    return this.waiters.size;
  }

  /** Takes a free connection and returns undefined. Returns the pending connection if none is free. */
  acquire(): PendingConnection | undefined {
    if (this.used < this.maxConnections) {
      this.used++;
      return undefined;
    }
    let cancel!: () => void;
    const granted = new Promise<boolean>((resolve) => {
      const waiter = {
        settle: (isGranted: boolean) => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          resolve(isGranted);
        },
      };
      cancel = () => {
        if (this.waiters.has(waiter)) waiter.settle(false);
      };
      const timer = setTimeout(cancel, this.maxWaitMs);
      this.waiters.add(waiter);
    });
    return { granted, cancel };
  }

  /** Gives the connection to the call that waits longest, or frees it. */
  release(): void {
    const [next] = this.waiters;
    if (next) next.settle(true);
    else this.used--;
  }
}
