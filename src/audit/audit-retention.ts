import { AuditEntryRepository } from './audit-entry.repository.js';
import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, LessThan } from 'typeorm';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { BatchJob } from '../database/batch-job.js';
import { Database } from '../database/database.js';

/** The number of entries in one batch. */
const BATCH_SIZE = 500;
const EVERY_MS = 3_600_000;

/** Deletes entries of the audit log that are older than `audit_logs_retention`. */
@Injectable()
export class AuditRetention extends BatchJob {
  protected readonly lock = 'auditRetention';
  protected readonly failure = 'The audit log could not be pruned';

  constructor(
    database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    private readonly entries: AuditEntryRepository,
  ) {
    super(database);
  }

  protected get everyMs(): number | undefined {
    return this.config.general.auditRetentionMs === undefined ? undefined : EVERY_MS;
  }

  protected async run(): Promise<void> {
    const before = new Date(this.clock().getTime() - this.config.general.auditRetentionMs!);
    await this.runBatches((tx) => this.prune(tx, before));
  }

  /** Deletes the oldest entries before this instant, one batch. Returns true if more may follow. */
  private async prune(tx: EntityManager, before: Date): Promise<boolean> {
    const old = await this.entries.in(tx).find({
      select: { id: true },
      where: { at: LessThan(before) },
      order: { at: 'ASC' },
      take: BATCH_SIZE,
    });
    if (old.length) await this.entries.in(tx).delete(old.map(({ id }) => id));
    return old.length === BATCH_SIZE;
  }
}
