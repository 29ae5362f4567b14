import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CLOCK, type Clock, DAY_MS } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { BatchJob } from '../database/batch-job.js';
import { Database } from '../database/database.js';
import { addToActivity } from './activity-sums.js';
import { jsonRowset } from '../database/json-rowset.js';
import { addOnConflict, aggregateColumns, AGGREGATES } from '../ledger/entry-aggregates.js';

/** The number of entries in one batch. */
const BATCH_SIZE = 200;

const GROUP_COLUMNS = 'chain_id, day, state, mark, call_type, model, deployment_id, provider';

/**
 * Folds closed entries older than `spend_logs_retention` into sums per day, one batch per transaction. An entry is
 * always in exactly one of the two tables, even if the process dies. Balances, chains and postings stay.
 */
@Injectable()
export class Retention extends BatchJob {
  protected readonly lock = 'retention';
  protected readonly failure = 'The ledger was not folded, which is tried again later';

  constructor(
    database: Database,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super(database);
  }

  protected get everyMs(): number | undefined {
    return this.config.general.retention?.everyMs;
  }

  protected async run(): Promise<void> {
    const { keptMs } = this.config.general.retention!;
    const count = await this.fold(new Date(this.clock().getTime() - keptMs));
    if (count) this.logger.log(`${count} entries of the ledger were folded into sums per day.`);
  }

  /** Folds all entries that were opened and closed before this instant. Returns their number. */
  async fold(before: Date): Promise<number> {
    let count = 0;
    await this.runBatches(async (tx) => {
      const folded = await this.foldSome(tx, before.getTime());
      count += folded;
      return folded === BATCH_SIZE;
    });
    return count;
  }

  private async foldSome(tx: EntityManager, beforeMs: number): Promise<number> {
    const ids: { id: string }[] = await tx.query(
      `SELECT id FROM ledger_entries WHERE opened_at < ${beforeMs} AND closed_at < ${beforeMs} ORDER BY opened_at LIMIT ${BATCH_SIZE}`,
    );
    if (!ids.length) return 0;
    const idRows = jsonRowset({ id: 'varchar' }, this.database);
    const sums = aggregateColumns(this.database).map((figure) => `sum(${figure})`);
    await tx.query(
      `INSERT INTO ledger_days (${GROUP_COLUMNS}, ${AGGREGATES.join(', ')})
       SELECT e.chain_id, e.opened_at - e.opened_at % ${DAY_MS} AS day, e.state, coalesce(e.mark, '') AS mark, e.call_type,
         e.model, e.deployment_id, e.provider, ${sums.join(', ')}
       FROM ledger_entries e JOIN ${idRows} AS r ON r.id = e.id WHERE true
       GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
       ${addOnConflict('ledger_days', GROUP_COLUMNS)}`,
      [JSON.stringify(ids)],
    );
    await addToActivity(
      tx,
      this.database,
      `e.opened_at >= (SELECT until FROM activity_progress) AND e.id IN (SELECT r.id FROM ${idRows} AS r)`,
      [JSON.stringify(ids)],
    );
    await tx.query(`DELETE FROM ledger_entries WHERE id IN (SELECT r.id FROM ${idRows} AS r)`, [
      JSON.stringify(ids),
    ]);
    return ids.length;
  }
}
