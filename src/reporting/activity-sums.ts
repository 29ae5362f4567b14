import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CLOCK, type Clock } from '../platform/clock.js';
import { ADVISORY_LOCKS } from '../database/advisory-locks.js';
import { BatchJob } from '../database/batch-job.js';
import { Database } from '../database/database.js';
import { sleep } from '../platform/sleep.js';
import { addOnConflict, AGGREGATES } from '../ledger/entry-aggregates.js';
import { ledgerCalls } from '../ledger/ledger-calls.query.js';
import { DailyReportCache } from './daily-report-cache.js';

/** An entry that is being written is committed sooner than this after it was opened. */
const LATEST_MS = 60_000;
/** The entries of one batch. */
const AT_ONCE = 250;
const PAUSE_MS = 20;

const ALIKE = 'tag, day, chain_id, state, call_type, model, provider';

/**
 * Sums the ledger up per day, so that no report reads a million entries: in the order they were opened, up to the first
 * that is still open. Entries and `activity_progress` are one transaction, so each is in the sums or behind them.
 */
@Injectable()
export class ActivitySums extends BatchJob {
  protected readonly lock = 'activitySums';
  protected readonly failure = 'The ledger was not summed up, which is tried again';
  protected readonly everyMs = 15_000;

  constructor(
    database: Database,
    private readonly kept: DailyReportCache,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super(database);
  }

  protected async run(): Promise<void> {
    await this.sumUp(new Date(this.clock().getTime() - LATEST_MS));
    while (!this.isStopped && (await this.kept.storeOne())) await sleep(PAUSE_MS);
  }

  /** Sums up what was opened before this, as far as everything until then is closed. */
  async sumUp(before: Date): Promise<void> {
    await this.runBatches((tx) => this.sumSome(tx, before));
  }

  /** Sums up the next entries. True: there may be more. */
  private async sumSome(tx: EntityManager, before: Date): Promise<boolean> {
    const [{ since, until }] = (await tx.query(
      `SELECT CAST(p.until AS text) AS since, CAST((
         SELECT max(opened_at) + 1 FROM (
           SELECT opened_at FROM ledger_entries WHERE opened_at >= p.until AND opened_at < ${before.getTime()}
             AND opened_at < coalesce((SELECT min(opened_at) FROM ledger_entries WHERE state = 'open'), ${Number.MAX_SAFE_INTEGER})
           ORDER BY opened_at LIMIT ${AT_ONCE}) AS next) AS text) AS until
       FROM activity_progress p`,
    )) as [{ since: string; until: string | null }];
    if (until === null) return false;
    await addToActivity(tx, this.database, `e.opened_at >= ${since} AND e.opened_at < ${until}`);
    await tx.query(`UPDATE activity_progress SET until = ${until}`);
    return true;
  }
}

/** Inside a transaction, alone: adds closed entries (alias `e`) that are in no sum yet to those of their days. */
export async function addToActivity(
  tx: EntityManager,
  database: { readonly isPostgres: boolean },
  which: string,
  parameters: readonly string[] = [],
): Promise<void> {
  // Waits for whoever sums the same entries up: the next statement sees what that one did.
  if (database.isPostgres) await tx.query(`SELECT pg_advisory_xact_lock(${ADVISORY_LOCKS.activitySums})`);
  for (const tagged of [false, true]) {
    await tx.query(
      `INSERT INTO activity_days (${ALIKE}, ${AGGREGATES.join(', ')})
       SELECT ${ALIKE}, ${AGGREGATES.map((name) => `sum(${name})`).join(', ')} FROM (${ledgerCalls(database, tagged, which)}) AS calls
       WHERE true GROUP BY ${ALIKE}
       ${addOnConflict('activity_days', ALIKE)}`,
      [...parameters],
    );
  }
}
