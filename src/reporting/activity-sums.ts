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

/** An entry is committed within this time after it was opened. */
const COMMIT_DELAY_MS = 60_000;
/** The number of entries in one batch. */
const BATCH_SIZE = 250;
const PAUSE_MS = 20;

const GROUP_COLUMNS = 'tag, day, chain_id, state, call_type, model, provider';

/**
 * Sums up the ledger per day, so that no report reads a million entries. It works in the order of opening, up to the
 * first open entry. Sums and `activity_progress` change in one transaction, so each entry is summed exactly once.
 */
@Injectable()
export class ActivitySums extends BatchJob {
  protected readonly lock = 'activitySums';
  protected readonly failure = 'The ledger was not summed up, which is tried again';
  protected readonly everyMs = 15_000;

  constructor(
    database: Database,
    private readonly dailyReports: DailyReportCache,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super(database);
  }

  protected async run(): Promise<void> {
    await this.sumUp(new Date(this.clock().getTime() - COMMIT_DELAY_MS));
    while (!this.isStopped && (await this.dailyReports.storeNextDay())) await sleep(PAUSE_MS);
  }

  /** Sums up the entries opened before this instant, up to the first open entry. */
  async sumUp(before: Date): Promise<void> {
    await this.runBatches((tx) => this.sumSome(tx, before));
  }

  /** Sums up one batch. Returns true if more may follow. */
  private async sumSome(tx: EntityManager, before: Date): Promise<boolean> {
    const [{ since, until }] = (await tx.query(
      `SELECT CAST(p.until AS text) AS since, CAST((
         SELECT max(opened_at) + 1 FROM (
           SELECT opened_at FROM ledger_entries WHERE opened_at >= p.until AND opened_at < ${before.getTime()}
             AND opened_at < coalesce((SELECT min(opened_at) FROM ledger_entries WHERE state = 'open'), ${Number.MAX_SAFE_INTEGER})
           ORDER BY opened_at LIMIT ${BATCH_SIZE}) AS next) AS text) AS until
       FROM activity_progress p`,
    )) as [{ since: string; until: string | null }];
    if (until === null) return false;
    await addToActivity(tx, this.database, `e.opened_at >= ${since} AND e.opened_at < ${until}`);
    await tx.query(`UPDATE activity_progress SET until = ${until}`);
    return true;
  }
}

/**
 * Adds closed entries (alias `e`) that are in no sum yet to the sums of their days. Must run inside a transaction.
 */
export async function addToActivity(
  tx: EntityManager,
  database: { readonly isPostgres: boolean },
  which: string,
  parameters: readonly string[] = [],
): Promise<void> {
  // Waits for a transaction that sums the same entries. The next statement then sees its result.
  if (database.isPostgres) await tx.query(`SELECT pg_advisory_xact_lock(${ADVISORY_LOCKS.activitySums})`);
  for (const rows of ['one', 'per tag'] as const) {
    await tx.query(
      `INSERT INTO activity_days (${GROUP_COLUMNS}, ${AGGREGATES.join(', ')})
       SELECT ${GROUP_COLUMNS}, ${AGGREGATES.map((name) => `sum(${name})`).join(', ')} FROM (${ledgerCalls(database, rows, which)}) AS calls
       WHERE true GROUP BY ${GROUP_COLUMNS}
       ${addOnConflict('activity_days', GROUP_COLUMNS)}`,
      [...parameters],
    );
  }
  await addToClients(tx, ledgerCalls(database, 'per client name', which), parameters);
}

/** The most names of one kind with sums of their own on one day. The others are summed as one. */
const MAX_CLIENT_NAMES = 200;
const OTHER_CLIENTS = 'other';

/** Adds these calls to the sums of their client programs. */
async function addToClients(tx: EntityManager, calls: string, parameters: readonly string[]): Promise<void> {
  await tx.query(
    `INSERT INTO client_names (kind, day, name)
     SELECT kind, day, tag FROM (
       SELECT kind, day, tag, row_number() OVER (PARTITION BY kind, day ORDER BY tag) AS place
       FROM (SELECT DISTINCT kind, day, tag FROM (${calls}) AS calls) AS distinct_names
       WHERE NOT EXISTS (SELECT 1 FROM client_names n
         WHERE n.kind = distinct_names.kind AND n.day = distinct_names.day AND n.name = distinct_names.tag)) AS fresh
     WHERE fresh.place <= ${MAX_CLIENT_NAMES} - (SELECT count(*) FROM client_names n WHERE n.kind = fresh.kind AND n.day = fresh.day)`,
    [...parameters],
  );
  const columns = `kind, name, ${GROUP_COLUMNS.replace('tag, ', '')}`;
  await tx.query(
    `INSERT INTO client_days (${columns}, ${AGGREGATES.join(', ')})
     SELECT ${columns}, ${AGGREGATES.map((name) => `sum(${name})`).join(', ')}
     FROM (SELECT calls.*, coalesce(n.name, '${OTHER_CLIENTS}') AS name FROM (${calls}) AS calls
       LEFT JOIN client_names n ON n.kind = calls.kind AND n.day = calls.day AND n.name = calls.tag) AS named
     WHERE true GROUP BY ${columns}
     ${addOnConflict('client_days', columns)}`,
    [...parameters],
  );
}
