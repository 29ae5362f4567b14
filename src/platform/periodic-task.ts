/** Runs work in the background, one run after the other. A run that fails is reported, and the next one tries again. */
export class PeriodicTask {
  private next: NodeJS.Timeout | undefined;
  private underWay: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly run: () => Promise<void>,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** True once `stop` was called: a run that is under way ends as soon as it can. */
  get isStopped(): boolean {
    return this.stopped;
  }

  /** Begins the first run at once, and each next one `everyMs` after the end of the one before. */
  start(everyMs: number): void {
    this.underWay = this.run()
      .catch(this.failed)
      .then(() => this.startLater(everyMs));
  }

  /** Does the same, but waits `everyMs` before the first run, too. */
  startLater(everyMs: number): void {
    if (!this.stopped) this.next = setTimeout(() => this.start(everyMs), everyMs);
  }

  /** Begins no further run. Resolves when none is under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.next);
    await this.underWay;
  }
}
