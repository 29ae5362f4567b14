import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager, QueryRunner } from 'typeorm';
import { Database } from '../database/database.js';
import { NOW_MS } from '../database/now-ms.js';
import { PeriodicTask } from '../platform/periodic-task.js';
import { BoundedMap } from './bounded-map.js';
import type { CacheKey } from './change-epochs.js';

const MAX_KNOWN = 400_000;
const POLL_MS = 500;
/** Changes this far back are heard of at the start: longer than anything is cached. */
const LOOK_BACK_MS = 120_000;

/** What a transaction has to do with revisions at its end. */
interface Ending {
  readonly changed: Set<CacheKey>;
  /** Whose rows must not have changed since, and at which revision they were. */
  readonly reliedOn: Map<CacheKey, number>;
  confirm: () => Promise<void>;
}

/** Nothing is made of shared rows where one process has the database to itself. */
const NONE: ReadonlyMap<CacheKey, number> = new Map();

/**
 * Which revision of a row this process has seen, and which there is. A change writes its revision in its own transaction;
 * every process asks twice a second what changed. Whoever acts on rows can have their revisions compared in the very
 * transaction of the act. On SQLite there is one process, which knows its own changes, and nothing is written.
 */
@Injectable()
export class Revisions implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Revisions.name);
  /** Of what is cached. */
  private readonly known = new BoundedMap<CacheKey, number>(MAX_KNOWN);
  /** The newest heard of: nothing older is believed. */
  private readonly newest = new BoundedMap<CacheKey, number>(MAX_KNOWN);
  private readonly listeners: ((keys: readonly CacheKey[]) => Promise<void>)[] = [];
  private readonly polls = new PeriodicTask(
    () => this.poll(),
    (error) => this.logger.warn(`Changes could not be asked for: ${String(error)}`),
  );
  private readonly endings = new WeakMap<QueryRunner, Ending>();
  private heardUpTo = '0';

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

  /** Tells `listener` of rows that another process changed. */
  onChange(listener: (keys: readonly CacheKey[]) => Promise<void>): void {
    this.listeners.push(listener);
  }

  /** Inside the transaction of a change: what it changes. Written down at its end. */
  record(tx: EntityManager, keys: readonly CacheKey[]): void {
    if (!this.areShared || !keys.length) return;
    const { changed } = this.endingOf(tx);
    for (const key of keys) changed.add(key);
  }

  /**
   * Inside a transaction: what it does is right only while these stay as they are now. When somebody else changed one of them,
   * `confirm` looks at its end whether it matters, and throws if it does. Whoever wants to change one from then on waits until
   * the transaction is committed.
   */
  async relyOn(tx: EntityManager, keys: readonly CacheKey[], confirm: () => Promise<void>): Promise<void> {
    if (!this.areShared || !keys.length) return;
    const ending = this.endingOf(tx);
    const { reliedOn } = ending;
    ending.confirm = confirm;
    const now = await this.revisionsIn(tx, keys);
    for (const key of keys) if (!reliedOn.has(key)) reliedOn.set(key, now.get(key) ?? 0);
  }

  private endingOf(tx: EntityManager): Ending {
    const runner = tx.queryRunner!;
    let ending = this.endings.get(runner);
    if (!ending) {
      ending = { changed: new Set(), reliedOn: new Map(), confirm: () => Promise.resolve() };
      this.endings.set(runner, ending);
      this.database.beforeCommit(tx, () => this.conclude(tx, this.endings.get(runner)!));
    }
    return ending;
  }

  /**
   * Last in a transaction. One statement locks what was changed and what was relied on, in one order for all transactions, and
   * after these nothing else is locked: so of any number of administrators who change each other's rights nobody waits in a circle.
   */
  private async conclude(tx: EntityManager, { changed, reliedOn, confirm }: Ending): Promise<void> {
    const subjects = [...new Set([...changed, ...reliedOn.keys()])];
    await tx.query(
      `INSERT INTO revisions (subject, revision, changed_in, changed_at)
       SELECT s.subject, s.step, s.step * pg_current_xact_id()::text::bigint, s.step * ${NOW_MS}
       FROM unnest($1::text[], $2::int[]) AS s(subject, step) ORDER BY s.subject COLLATE "C"
       ON CONFLICT (subject) DO UPDATE SET revision = revisions.revision + 1, changed_in = excluded.changed_in, changed_at = excluded.changed_at
       WHERE excluded.revision > 0`,
      [subjects, subjects.map((subject) => (changed.has(subject) ? 1 : 0))],
    );
    if (!reliedOn.size) return;
    const now = await this.revisionsIn(tx, [...reliedOn.keys()]);
    const isMoved = [...reliedOn].some(
      ([subject, revision]) => now.get(subject) !== revision + (changed.has(subject) ? 1 : 0),
    );
    if (isMoved) await confirm();
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

  /** Reads which revision there is of a row that is about to be read. */
  async readCurrent(key: CacheKey): Promise<number> {
    const [row] = await this.database.read<{ revision: string }[]>((manager) =>
      manager.query('SELECT revision FROM revisions WHERE subject = $1', [key]),
    );
    const revision = Number(row?.revision ?? 0);
    this.known.set(key, revision);
    return revision;
  }

  /** Takes a row from elsewhere as being of this revision. False: newer ones are known. */
  acceptIfCurrent(key: CacheKey, revision: number): boolean {
    if (revision < (this.newest.get(key) ?? 0)) return false;
    this.known.set(key, revision);
    return true;
  }

  /** The revisions something cached is made of. One that is not known any more never matches. */
  ofAll(keys: readonly CacheKey[]): ReadonlyMap<CacheKey, number> {
    return this.areShared ? new Map(keys.map((key) => [key, this.known.get(key) ?? -1])) : NONE;
  }

  /** What was cached of these is gone. */
  forget(keys: readonly CacheKey[]): void {
    for (const key of keys) this.known.delete(key);
  }

  /**
   * Transactions end in another order than they begin: everything from the oldest that was still open last time on is
   * asked for again.
   */
  private async poll(): Promise<void> {
    const rows = await this.database.read<{ subject: string | null; revision: string; open: string }[]>(
      (manager) =>
        manager.query(
          `SELECT v.subject, v.revision, pg_snapshot_xmin(pg_current_snapshot())::text AS open FROM (SELECT 1) AS always
           LEFT JOIN revisions v ON v.changed_in >= $1 AND ($1 > 0 OR v.changed_at > ${NOW_MS} - ${LOOK_BACK_MS})`,
          [this.heardUpTo],
        ),
    );
    const moved: CacheKey[] = [];
    for (const { subject, revision } of rows) {
      if (subject === null) continue;
      this.newest.set(subject, Number(revision));
      if (this.known.get(subject) !== Number(revision)) moved.push(subject);
    }
    if (moved.length) for (const listener of this.listeners) await listener(moved);
    this.heardUpTo = rows[0]!.open;
  }
}
