/** What time it is. Injected, so that a test can say. */
export type Clock = () => Date;

export const CLOCK = Symbol('Clock');

export const DAY_MS = 86_400_000;

/** The time of day, set after the clock all replicas share. It never goes back. */
export class SteadyClock {
  private offsetMs = 0;
  private lastMs = 0;

  readonly now: Clock = () => {
    this.lastMs = Math.max(this.lastMs, Date.now() + this.offsetMs);
    return new Date(this.lastMs);
  };

  /** The shared clock said `sharedMs` when this machine's said `ownMs`. Small differences are the network's. */
  follow(sharedMs: number, ownMs: number): void {
    const offsetMs = sharedMs - ownMs;
    if (Math.abs(offsetMs - this.offsetMs) > NOISE_MS) this.offsetMs = offsetMs;
  }
}

const NOISE_MS = 250;
