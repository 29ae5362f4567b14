/** Work done in the background, again and again, one round after the other. A round that fails is told, and the next one tries again. */
export class Rounds {
  private next: NodeJS.Timeout | undefined;
  private underWay: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly round: () => Promise<void>,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** A round that is under way goes on only while this is false. */
  get areStopped(): boolean {
    return this.stopped;
  }

  /** The first round at once, the next so long after the end of each. */
  start(everyMs: number): void {
    this.underWay = this.round()
      .catch(this.failed)
      .then(() => this.startLater(everyMs));
  }

  /** The same, but the first round in so long, too. */
  startLater(everyMs: number): void {
    if (!this.stopped) this.next = setTimeout(() => this.start(everyMs), everyMs);
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.next);
    await this.underWay;
  }
}
