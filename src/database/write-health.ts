import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { sleep } from '../platform/sleep.js';

/** A write that a serving process depends on: SQLite's file, or holds and heartbeats on PostgreSQL. */
type WriteTarget = 'file' | 'hold' | 'heartbeat';

const RETRY_MS = 1_000;

/**
 * Remembers whether the last write of each kind succeeded. A process that cannot write is not ready, so the load
 * balancer sends it no calls. After a failure it retries by itself until it succeeds. It writes nothing while all is
 * well.
 */
@Injectable()
export class WriteHealth implements OnApplicationShutdown {
  private readonly failing = new Set<WriteTarget>();
  private readonly retrying = new Set<WriteTarget>();
  private stopped = false;

  get isFailing(): boolean {
    return this.failing.size > 0;
  }

  succeeded(target: WriteTarget): void {
    if (this.failing.size) this.failing.delete(target);
  }

  /** Records a failure. `retry`: a write of the same kind. Omit it if the caller retries anyway. */
  failed(target: WriteTarget, retry?: () => Promise<unknown>): void {
    this.failing.add(target);
    if (retry && !this.retrying.has(target)) void this.retryUntilSuccess(target, retry);
  }

  onApplicationShutdown(): void {
    this.stopped = true;
  }

  private async retryUntilSuccess(target: WriteTarget, retry: () => Promise<unknown>): Promise<void> {
    this.retrying.add(target);
    while (this.failing.has(target) && !this.stopped) {
      await sleep(RETRY_MS, { unref: true });
      await retry().then(
        () => this.succeeded(target),
        () => undefined,
      );
    }
    this.retrying.delete(target);
  }
}
