import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager, QueryRunner } from 'typeorm';
import { Database } from '../database/database.js';
import { NOW_MS } from '../database/now-ms.js';
import { PeriodicTask } from '../platform/periodic-task.js';
import { BoundedMap } from './bounded-map.js';
import type { CacheKey } from './change-epochs.js';

const MAX_REVISIONS = 400_000;
const POLL_MS = 500;
/** The period of changes that a starting process reads: longer than any row is cached. */
const LOOK_BACK_MS = 120_000;

/** The work at the end of a transaction. */
interface TransactionEnd {
  readonly changed: Set<CacheKey>;
  /** Rows that must not have changed, with their revisions at the check. */
  readonly reliedOn: Map<CacheKey, number>;
  confirm: () => Promise<void>;
}

/** No revisions: one process has the database to itself. */
const NONE: ReadonlyMap<CacheKey, number> = new Map();

/**
 * Tracks the revision of each cached row. A change writes its revision in its own transaction, and every replica
 * polls twice a second for changes. A transaction that relies on rows can compare their revisions at its end. SQLite
 * has one process, which knows its own changes, so nothing is written there.
 */
@Injectable()
export class Revisions implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Revisions.name);
  /** The revision of each cached row. */
  private readonly cachedRevisions = new BoundedMap<CacheKey, number>(MAX_REVISIONS);
  /** The highest revision seen per key. Older cached rows are rejected. */
  private readonly newestRevisions = new BoundedMap<CacheKey, number>(MAX_REVISIONS);
  private readonly listeners: ((keys: readonly CacheKey[]) => Promise<void>)[] = [];
  private readonly polls = new PeriodicTask(
    () => this.poll(),
    (error) => this.logger.warn(`Changes could not be asked for: ${String(error)}`),
  );
  private readonly transactionEnds = new WeakMap<QueryRunner, TransactionEnd>();
  private pollCursor = '0';

  constructor(private readonly database: Database) {}

  get areShared(): boolean {
    return this.database.isPostgres;
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.areShared) return;
    await this.poll();
    this.polls.startLater(POLL_MS);
  }

  onApplicationShutdown(): Promise<void> {
    return this.polls.stop();
  }

  /** Registers a listener for rows that another replica changed. */
  onChange(listener: (keys: readonly CacheKey[]) => Promise<void>): void {
    this.listeners.push(listener);
  }

  /**
   * Records the rows that a transaction changes. Their revisions are written at its end. Must run inside a
   * transaction.
   */
  record(tx: EntityManager, keys: readonly CacheKey[]): void {
    if (!this.areShared || !keys.length) return;
    const { changed } = this.endOf(tx);
    for (const key of keys) changed.add(key);
  }

  /**
   * Relies on rows: if another transaction changes one of them, `confirm` runs at the end and throws if the change
   * matters. Later writers of the rows wait for the commit. Must run inside a transaction.
   */
  async relyOn(tx: EntityManager, keys: readonly CacheKey[], confirm: () => Promise<void>): Promise<void> {
    if (!this.areShared || !keys.length) return;
    const end = this.endOf(tx);
    const { reliedOn } = end;
    end.confirm = confirm;
    const now = await this.revisionsIn(tx, keys);
    for (const key of keys) if (!reliedOn.has(key)) reliedOn.set(key, now.get(key) ?? 0);
  }

  private endOf(tx: EntityManager): TransactionEnd {
    const runner = tx.queryRunner!;
    let end = this.transactionEnds.get(runner);
    if (!end) {
      end = { changed: new Set(), reliedOn: new Map(), confirm: () => Promise.resolve() };
      this.transactionEnds.set(runner, end);
      this.database.beforeCommit(tx, () => this.conclude(tx, this.transactionEnds.get(runner)!));
    }
    return end;
  }

  /**
   * Writes the revisions as the last step of a transaction. One statement locks all changed and relied-on rows, in
   * one order for all transactions, and nothing is locked after it. So admins who change each other's rights cannot
   * deadlock.
   */
  private async conclude(tx: EntityManager, { changed, reliedOn, confirm }: TransactionEnd): Promise<void> {
    const subjects = [...new Set([...changed, ...reliedOn.keys()])];
    const written = (await tx.query(
      `INSERT INTO revisions (subject, revision, changed_in, changed_at)
       SELECT s.subject, s.step, s.step * pg_current_xact_id()::text::bigint, s.step * ${NOW_MS}
       FROM unnest($1::text[], $2::int[]) AS s(subject, step) ORDER BY s.subject COLLATE "C"
       ON CONFLICT (subject) DO UPDATE SET revision = revisions.revision + 1, changed_in = excluded.changed_in, changed_at = excluded.changed_at
       WHERE excluded.revision > 0
       RETURNING subject, revision`,
      [subjects, subjects.map((subject) => (changed.has(subject) ? 1 : 0))],
    )) as { subject: string; revision: string }[];
    // If Redis fails to delete the old row after the commit, this process rejects that row at once.
    for (const { subject, revision } of written)
      if (changed.has(subject)) this.raise(subject, Number(revision));
    if (!reliedOn.size) return;
    const now = await this.revisionsIn(tx, [...reliedOn.keys()]);
    const hasChanged = [...reliedOn].some(
      ([subject, revision]) => now.get(subject) !== revision + (changed.has(subject) ? 1 : 0),
    );
    if (hasChanged) await confirm();
  }

  /** Sets the lowest revision of a row that is accepted from Redis. A read that began earlier does not lower it. */
  private raise(key: CacheKey, revision: number): void {
    if (revision > (this.newestRevisions.get(key) ?? -1)) this.newestRevisions.set(key, revision);
  }

  private async revisionsIn(
    tx: EntityManager,
    subjects: readonly CacheKey[],
  ): Promise<ReadonlyMap<CacheKey, number>> {
    const rows = (await tx.query('SELECT subject, revision FROM revisions WHERE subject = ANY ($1)', [
      subjects,
    ])) as { subject: string; revision: string }[];
    return new Map(rows.map(({ subject, revision }) => [subject, Number(revision)]));
  }

  /** Reads the current revision of a row that is about to be read. */
  async readCurrent(key: CacheKey): Promise<number> {
    const [row] = await this.database.read<{ revision: string }[]>((manager) =>
      manager.query('SELECT revision FROM revisions WHERE subject = $1', [key]),
    );
    const revision = Number(row?.revision ?? 0);
    this.cachedRevisions.set(key, revision);
    return revision;
  }

  /** Accepts a row from Redis with its revision. Returns false if a newer revision is known. */
  acceptIfCurrent(key: CacheKey, revision: number): boolean {
    if (revision < (this.newestRevisions.get(key) ?? 0)) return false;
    this.cachedRevisions.set(key, revision);
    return true;
  }

  /** Returns the revisions of the rows a cached value was derived from. An unknown revision never matches. */
  ofAll(keys: readonly CacheKey[]): ReadonlyMap<CacheKey, number> {
    return this.areShared ? new Map(keys.map((key) => [key, this.cachedRevisions.get(key) ?? -1])) : NONE;
  }

  /** Removes the revisions of evicted rows. */
  forget(keys: readonly CacheKey[]): void {
    for (const key of keys) this.cachedRevisions.delete(key);
  }

  /**
   * Reads changed rows. Commit order differs from start order, so each poll re-reads from the oldest transaction that
   * was open at the previous poll.
   */
  private async poll(): Promise<void> {
    const rows = await this.database.read<{ subject: string | null; revision: string; open: string }[]>(
      (manager) =>
        manager.query(
          `SELECT v.subject, v.revision, pg_snapshot_xmin(pg_current_snapshot())::text AS open FROM (SELECT 1) AS always
           LEFT JOIN revisions v ON v.changed_in >= $1 AND ($1 > 0 OR v.changed_at > ${NOW_MS} - ${LOOK_BACK_MS})`,
          [this.pollCursor],
        ),
    );
    const changedKeys: CacheKey[] = [];
    for (const { subject, revision } of rows) {
      if (subject === null) continue;
      this.raise(subject, Number(revision));
      if (this.cachedRevisions.get(subject) !== Number(revision)) changedKeys.push(subject);
    }
    if (changedKeys.length) for (const listener of this.listeners) await listener(changedKeys);
    this.pollCursor = rows[0]!.open;
  }
}
