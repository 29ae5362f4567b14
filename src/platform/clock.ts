/** What time it is. Injected, so that a test can say. */
export type Clock = () => Date;

export const CLOCK = Symbol('Clock');

export const DAY_MS = 86_400_000;

/**
 * The time of day, set after the clock all replicas share. It never goes back and never stands still: when the time of day
 * is set back it goes at half speed until that has caught up.
 */
export class SteadyClock {
  private offsetMs = 0;
  private lastMs = 0;
  private lastTick = 0;

  readonly now: Clock = () => {
    const tick = performance.now();
    this.lastMs = Math.max(Date.now() + this.offsetMs, this.lastMs + (tick - this.lastTick) / 2);
    this.lastTick = tick;
    return new Date(this.lastMs);
  };

  /** The shared clock said `sharedMs` when this machine's said `ownMs`. Small differences are the network's. */
  follow(sharedMs: number, ownMs: number): void {
    const offsetMs = sharedMs - ownMs;
    if (Math.abs(offsetMs - this.offsetMs) > NOISE_MS) this.offsetMs = offsetMs;
  }
}

const NOISE_MS = 250;
