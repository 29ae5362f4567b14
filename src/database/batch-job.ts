import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { sleep } from '../platform/sleep.js';
import { PeriodicTask } from '../platform/periodic-task.js';
import type { AdvisoryLock } from './advisory-locks.js';
import type { Database } from './database.js';
import { tryAdvisoryLock } from './try-advisory-lock.js';

/** Lets calls and admins write between two batches. */
const PAUSE_MS = 20;

/**
 * Changes many rows in the background, a few per transaction, so that calls are not delayed. It runs at start and
 * then at intervals. One replica at a time runs it.
 */
export abstract class BatchJob implements OnApplicationBootstrap, OnApplicationShutdown {
  protected readonly logger = new Logger(this.constructor.name);
  private readonly task = new PeriodicTask(
    () => this.run(),
    (error) => this.logger.warn(`${this.failure}: ${String(error)}`),
  );

  /** The lock a replica holds for each batch. */
  protected abstract readonly lock: AdvisoryLock;
  /** The line in the log when a run fails, without the reason. */
  protected abstract readonly failure: string;
  /** The pause between two runs. Undefined: the job is off. */
  protected abstract readonly everyMs: number | undefined;

  constructor(protected readonly database: Database) {}

  onApplicationBootstrap(): void {
    if (this.everyMs !== undefined) this.task.start(this.everyMs);
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  protected abstract run(): Promise<void>;

  /** True once the process shuts down. No further batch begins then. */
  protected get isStopped(): boolean {
    return this.task.isStopped;
  }

  /** Runs `batch` in one transaction after the other while it returns true and no other replica has the lock. */
  protected async runBatches(batch: (tx: EntityManager) => Promise<boolean>): Promise<void> {
    const runOne = async (tx: EntityManager) =>
      (await tryAdvisoryLock(tx, this.database, this.lock)) && (await batch(tx));
    while (!this.isStopped && (await this.database.write(runOne, 'pruning'))) await sleep(PAUSE_MS);
  }
}
