import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { sleep } from '../platform/sleep.js';

/** What a process that serves must be able to write: SQLite's file, or a hold and its heartbeat on PostgreSQL. */
type Written = 'file' | 'hold' | 'heartbeat';

const TRY_AGAIN_MS = 1_000;

/**
 * Remembers whether what was last to be written could be. A process that cannot write is not ready, and
 * who balances load sends it no calls; so after a failure it tries by itself until it can again. Nothing is written while
 * all is well.
 */
@Injectable()
export class WriteHealth implements OnApplicationShutdown {
  private readonly failing = new Set<Written>();
  private readonly trying = new Set<Written>();
  private stopped = false;

  get isFailing(): boolean {
    return this.failing.size > 0;
  }

  worked(what: Written): void {
    if (this.failing.size) this.failing.delete(what);
  }

  /** `tryAgain`: writes something of the kind. Without it somebody else writes again anyway. */
  failed(what: Written, tryAgain?: () => Promise<unknown>): void {
    this.failing.add(what);
    if (tryAgain && !this.trying.has(what)) void this.tryUntilItWorks(what, tryAgain);
  }

  onApplicationShutdown(): void {
    this.stopped = true;
  }

  private async tryUntilItWorks(what: Written, tryAgain: () => Promise<unknown>): Promise<void> {
    this.trying.add(what);
    while (this.failing.has(what) && !this.stopped) {
      await sleep(TRY_AGAIN_MS, { unref: true });
      await tryAgain().then(
        () => this.worked(what),
        () => undefined,
      );
    }
    this.trying.delete(what);
  }
}
