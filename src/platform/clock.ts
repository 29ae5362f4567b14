/** Returns the current time. It is injected, so that a test can set it. */
export type Clock = () => Date;

export const CLOCK = Symbol('Clock');

export const DAY_MS = 86_400_000;

/**
 * A clock that follows the one all replicas share. It never goes back and never stands still: if the shared clock is set
 * back, it runs at half speed until the shared clock has caught up.
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

  /**
   * Notes that the shared clock read `sharedMs` between two readings of this machine's clock. A slow reply says little
   * about the difference of the clocks, so the clock changes only if the difference cannot be as it was.
   */
  follow(sharedMs: number, askedAtMs: number, answeredAtMs: number): void {
    const [least, most] = [sharedMs - answeredAtMs, sharedMs - askedAtMs];
    if (this.offsetMs < least - NOISE_MS || this.offsetMs > most + NOISE_MS)
      this.offsetMs = (least + most) / 2;
  }
}

const NOISE_MS = 250;
