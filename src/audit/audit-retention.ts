import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { hasTurn } from '../database/has-turn.js';
import { Rounds } from '../rounds.js';
import { LessThan } from 'typeorm';
import { AuditEntry } from './audit-entry.entity.js';

const ROUND_MS = 3_600_000;
const BATCH = 500;
/** `audit` in ASCII, as the number PostgreSQL's advisory locks go by. */
const LOCK_ID = '418380605812';

/**
 * Deletes entries of the audit log that are older than `audit_logs_retention`: at the start and every hour, in the background,
 * a batch in a transaction. Replicas that share a database leave it to whoever is at it.
 */
@Injectable()
export class AuditRetention implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(AuditRetention.name);
  private readonly rounds = new Rounds(
    () => this.prune(this.clock().getTime() - this.config.general.auditRetentionMs!),
    (error) => this.logger.warn(`The audit log could not be pruned: ${String(error)}`),
  );

  constructor(
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.general.auditRetentionMs !== undefined) this.rounds.start(ROUND_MS);
  }

  onApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  private async prune(beforeMs: number): Promise<void> {
    while (!this.rounds.areStopped && (await this.pruneBatch(beforeMs)) === BATCH);
  }

  /** How many were deleted; none while another replica is at it. */
  private pruneBatch(beforeMs: number): Promise<number> {
    return this.database.write(async (tx) => {
      if (!(await hasTurn(tx, this.database, LOCK_ID))) return 0;
      const old = await tx.find(AuditEntry, {
        select: { id: true },
        where: { at: LessThan(new Date(beforeMs)) },
        order: { at: 'ASC' },
        take: BATCH,
      });
      if (old.length)
        await tx.delete(
          AuditEntry,
          old.map(({ id }) => id),
        );
      return old.length;
    }, 'pruning');
  }
}
