import type { EntityManager } from 'typeorm';

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
      .then(() => {
        if (!this.stopped) this.next = setTimeout(() => this.start(everyMs), everyMs);
      });
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.next);
    await this.underWay;
  }
}

/** Is this transaction the only one at it, of all replicas that share the database? SQLite has one process. */
export async function isAlone(
  tx: EntityManager,
  { isPostgres }: { readonly isPostgres: boolean },
  lockId: string,
): Promise<boolean> {
  if (!isPostgres) return true;
  const [{ alone }] = (await tx.query('SELECT pg_try_advisory_xact_lock($1) AS alone', [lockId])) as [
    { alone: boolean },
  ];
  return alone;
}
