import type { MaybePromise } from '../platform/maybe-promise.js';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { currentActor } from '../platform/audit-context.js';
import { sleep } from '../platform/sleep.js';
import { ChangedRows } from './audited-changes.js';
import { WriteHealth } from './write-health.js';

/** Who goes first when several writes wait for SQLite's one connection. */
const PRIORITIES = ['ledger', 'admin', 'pruning'] as const;
type Priority = (typeof PRIORITIES)[number];

/** For so long one write or read follows another; then everybody else has a turn. */
const TURN_MS = 5;

/** Values of a statement's parameters, in their order. */
export type Row = readonly (string | number | bigint | null)[];

/** A prepared statement of SQLite. Parameters are `?`. */
export interface Statement {
  run(row: Row): { readonly changes: number };
}

/** SQLite's one connection, as TypeORM's driver keeps it. */
interface SqliteConnection {
  readonly inTransaction: boolean;
  defaultSafeIntegers(on: boolean): void;
  exec(sql: string): void;
  prepare(sql: string): Statement;
}

/** Runs `work` in a transaction. */
export type Write = <T>(work: (tx: EntityManager) => Promise<T>) => Promise<T>;

/**
 * The way to the database. On PostgreSQL every `write` is an ordinary transaction. SQLite has one connection, on
 * which overlapping transactions would merge, so there every write and every read that must not see a half-done
 * transaction goes through one queue: the ledger before admin writes before pruning.
 */
@Injectable()
export class Database {
  private readonly waiting: Record<Priority, (() => Promise<void>)[]> = {
    ledger: [],
    admin: [],
    pruning: [],
  };
  private draining = false;
  private readonly afterwards = new WeakMap<QueryRunner, (() => void)[]>();
  private readonly beforehand = new WeakMap<QueryRunner, (() => Promise<void>)[]>();

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly writeHealth: WriteHealth = new WriteHealth(),
  ) {
    // From here on integers arrive as `bigint`: a nano-dollar beyond 2^53 must not pass through a double. Not before
    // migrations ran: TypeORM compares what it reads of the schema with numbers.
    if (!this.isPostgres) this.sqlite.defaultSafeIntegers(true);
  }

  get isPostgres(): boolean {
    return this.dataSource.options.type === 'postgres';
  }

  /**
   * Runs `work` in one transaction: all of it is committed when the promise resolves, or none of it. For an actor it first
   * reads the actor's rights again: this is the one place that every route that writes passes.
   */
  write<T>(work: (tx: EntityManager) => Promise<T>, priority: Priority = 'admin'): Promise<T> {
    const who = currentActor();
    const transaction = async () => {
      const afterwards: (() => void)[] = [];
      const beforehand: (() => Promise<void>)[] = [];
      const result = await this.dataSource.transaction(async (tx) => {
        if (!this.isPostgres) this.lock();
        ChangedRows.begin(tx.queryRunner!, who);
        this.afterwards.set(tx.queryRunner!, afterwards);
        this.beforehand.set(tx.queryRunner!, beforehand);
        await who?.rights?.readAgain(tx);
        const done = await work(tx);
        for (const act of beforehand) await act();
        return done;
      });
      for (const act of afterwards) act();
      return result;
    };
    return this.isPostgres
      ? transaction()
      : this.queued(priority, () => this.noted(despiteOthers(transaction)));
  }

  /** Inside a transaction: what to do last in it, before it is committed. */
  beforeCommit(tx: EntityManager, act: () => Promise<void>): void {
    this.beforehand.get(tx.queryRunner!)!.push(act);
  }

  /** Inside a transaction: what to do when it is committed. On SQLite that is before anybody else's turn. */
  afterCommit(tx: EntityManager, act: () => void): void {
    this.afterwards.get(tx.queryRunner!)!.push(act);
  }

  /** Runs `work` with a `write` of which nothing is kept in the end. It has the database for itself until then, or rows of it. */
  async dryRun(work: (write: Write) => Promise<void>): Promise<void> {
    const undo = new Error('Nothing of a rehearsal is kept.');
    const rehearsal = this.write<void>(async (tx) => {
      await work((step) =>
        tx.transaction((inner) => {
          ChangedRows.begin(inner.queryRunner!, currentActor());
          return step(inner);
        }),
      );
      throw undo;
    });
    await rehearsal.catch((error: unknown) => {
      if (error !== undo) throw error;
    });
  }

  /** Runs reads that see only what is committed. */
  read<T>(work: (manager: EntityManager) => Promise<T>, priority: Priority = 'admin'): Promise<T> {
    const reading = () => work(this.dataSource.manager);
    return this.isPostgres ? reading() : this.queued(priority, reading);
  }

  /** SQLite only: a statement to run inside `writeAtOnce`. */
  prepare(sql: string): Statement {
    return this.sqlite.prepare(sql);
  }

  /**
   * SQLite only: runs prepared statements in one transaction, in its turn but then without a pause. Beside TypeORM, whose
   * price per statement is many times SQLite's own: for the ledger, which is written twice per call.
   */
  writePrepared(work: () => void): Promise<void> {
    const { sqlite } = this;
    const transaction = async () => {
      await despiteOthers(() => sqlite.exec('BEGIN IMMEDIATE'));
      try {
        work();
        sqlite.exec('COMMIT');
      } catch (error) {
        if (sqlite.inTransaction) sqlite.exec('ROLLBACK');
        throw error;
      }
    };
    return this.queued('ledger', () => this.noted(transaction()));
  }

  /**
   * Inside a transaction: nobody else writes until it ends. Throws while another process does. The binding never gets over a
   * prepared statement that found it so: all that comes after is told the same, until the process ends. So nothing prepared
   * may be the first to find out.
   */
  private lock(): void {
    this.sqlite.exec('DELETE FROM migrations WHERE false');
  }

  /** SQLite only: notes whether the file could be written. After a failure a page is written as it was until that works. */
  private async noted<T>(transaction: Promise<T>): Promise<T> {
    try {
      const result = await transaction;
      this.writeHealth.worked('file');
      return result;
    } catch (error) {
      if (FILE_TROUBLE.test(String((error as { code?: unknown }).code)))
        this.writeHealth.failed('file', () =>
          this.writePrepared(() => this.sqlite.exec('PRAGMA user_version = 0')),
        );
      throw error;
    }
  }

  private get sqlite(): SqliteConnection {
    return (this.dataSource.driver as unknown as { databaseConnection: SqliteConnection }).databaseConnection;
  }

  private queued<T>(priority: Priority, job: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting[priority].push(() => job().then(resolve, reject));
      if (!this.draining) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.draining = true;
    let begun = performance.now();
    try {
      for (let job = this.next(); job; job = this.next()) {
        await job();
        // SQLite answers without a pause: a hundred reads in a row would be one turn of the event loop.
        if (performance.now() - begun < TURN_MS) continue;
        await new Promise<void>((turn) => setImmediate(turn));
        begun = performance.now();
      }
    } finally {
      this.draining = false;
    }
  }

  private next(): (() => Promise<void>) | undefined {
    for (const priority of PRIORITIES) {
      const job = this.waiting[priority].shift();
      if (job) return job;
    }
    return undefined;
  }
}

/** So long another process may write to the SQLite file before that is an error … */
const OTHERS_MS = 1_000;
/** … and it is asked for this often. */
const ASK_AGAIN_MS = 50;

/** Does this as soon as no other process writes. It may be done again: its first statement is what finds out that one does. */
async function despiteOthers<T>(work: () => MaybePromise<T>): Promise<T> {
  for (const until = performance.now() + OTHERS_MS; ; await sleep(ASK_AGAIN_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error;
    }
  }
}

/** SQLite's words for a file that cannot be written, whatever the statement. */
const FILE_TROUBLE =
  /^SQLITE_(?:BUSY|LOCKED|PROTOCOL|IOERR|FULL|NOMEM|CANTOPEN|READONLY|CORRUPT|NOTADB|PERM)/;

/** SQLite's word for another process that writes. */
export const isBusy = (error: unknown) => (error as { code?: unknown }).code === 'SQLITE_BUSY';
