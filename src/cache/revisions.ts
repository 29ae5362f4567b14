import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../database/database.js';
import { NOW_MS } from '../database/now-ms.js';
import { Rounds } from '../rounds.js';
import { BoundedMap } from './bounded-map.js';
import type { CacheKey } from './changes.js';

const MAX_KNOWN = 400_000;
const POLL_MS = 500;
/** Changes this far back are heard of at the start: longer than anything is cached. */
const LOOK_BACK_MS = 120_000;

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
  private readonly polls = new Rounds(
    () => this.poll(),
    (error) => this.logger.warn(`Changes could not be asked for: ${String(error)}`),
  );
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

  /** Inside the transaction of a change: what it changes. */
  async record(tx: EntityManager, keys: readonly CacheKey[]): Promise<void> {
    if (!this.areShared || !keys.length) return;
    await tx.query(
      `INSERT INTO revisions (subject, revision, changed_in, changed_at)
       SELECT s.subject, 1, pg_current_xact_id()::text::bigint, ${NOW_MS} FROM unnest($1::text[]) AS s(subject) ORDER BY s.subject
       ON CONFLICT (subject) DO UPDATE SET revision = revisions.revision + 1, changed_in = excluded.changed_in, changed_at = excluded.changed_at`,
      [[...new Set(keys)]],
    );
  }

  /** Reads which revision there is of a row that is about to be read. */
  async note(key: CacheKey): Promise<number> {
    const [row] = await this.database.read<{ revision: string }[]>((manager) =>
      manager.query('SELECT revision FROM revisions WHERE subject = $1', [key]),
    );
    const revision = Number(row?.revision ?? 0);
    this.known.set(key, revision);
    return revision;
  }

  /** Takes a row from elsewhere as being of this revision. False: newer ones are known. */
  believe(key: CacheKey, revision: number): boolean {
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
