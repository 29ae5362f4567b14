import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ADVISORY_LOCKS } from './advisory-locks.js';
import { BatchJob } from './batch-job.js';
import type { Database } from './database.js';

afterEach(() => vi.restoreAllMocks());

/** Grants the lock according to `turns`, and always after their end. */
function databaseWith(turns: readonly boolean[]) {
  const replies = [...turns];
  const query = vi.fn(() => Promise.resolve([{ turn: replies.shift() ?? true }]));
  const write = vi.fn((work: (tx: unknown) => Promise<unknown>) => work({ query }));
  return { isPostgres: true, write, query };
}

class Job extends BatchJob {
  protected readonly lock = 'retention';
  protected readonly failure = 'It failed';
  left = 0;
  failing = false;

  constructor(
    database: object,
    protected readonly everyMs: number | undefined,
  ) {
    super(database as Database);
  }

  async run(): Promise<void> {
    if (this.failing) throw new Error('no luck');
    await this.runBatches(() => Promise.resolve(--this.left > 0));
  }
}

describe('a batch job', () => {
  it('runs one batch in a transaction until none is left, each under the lock', async () => {
    const database = databaseWith([]);
    const job = new Job(database, 1_000);
    job.left = 3;
    await job.run();
    expect(job.left).toBe(0);
    expect(database.write.mock.calls.map(([, priority]: unknown[]) => priority)).toEqual(['pruning', 'pruning', 'pruning']); // prettier-ignore
    expect(database.query.mock.calls).toEqual(
      Array.from({ length: 3 }, () => [
        expect.stringContaining('pg_try_advisory_xact_lock'),
        [ADVISORY_LOCKS.retention],
      ]),
    );
  });

  it('leaves the rest to the replica that has the lock', async () => {
    const job = new Job(databaseWith([true, false]), 1_000);
    job.left = 3;
    await job.run();
    expect(job.left).toBe(2);
  });

  it('starts by itself, logs a failed run, begins no batch after the shutdown, and does nothing when it is off', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const database = databaseWith([]);
    const job = new Job(database, 1);
    job.failing = true;
    job.onApplicationBootstrap();
    await vi.waitFor(() => expect(warn).toHaveBeenCalledWith('It failed: Error: no luck'), {
      timeout: 60_000,
    });
    job.left = 1_000_000;
    job.failing = false;
    await vi.waitFor(() => expect(database.write.mock.calls.length).toBeGreaterThan(1), { timeout: 60_000 });
    await job.onApplicationShutdown();
    const { length } = database.write.mock.calls;
    await job.run();
    expect(database.write.mock.calls.length).toBe(length);

    const off = databaseWith([]);
    const idle = new Job(off, undefined);
    idle.onApplicationBootstrap();
    await idle.onApplicationShutdown();
    expect(off.write).not.toHaveBeenCalled();
  });
});
