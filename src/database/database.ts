import type { MaybePromise } from '../platform/maybe-promise.js';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { currentActor } from '../platform/audit-context.js';
import { sleep } from '../platform/sleep.js';
import { ChangedRows } from './audited-changes.js';
import { WriteHealth } from './write-health.js';

/** The order of writes that wait for SQLite's one connection. */
const PRIORITIES = ['ledger', 'admin', 'pruning'] as const;
type Priority = (typeof PRIORITIES)[number];

/** The time after which the queue yields to the event loop. */
const TURN_MS = 5;

/** The parameters of a statement, in their order. */
export type Row = readonly (string | number | bigint | null)[];

/** A prepared statement of SQLite. Parameters are `?`. */
export interface Statement {
  run(row: Row): { readonly changes: number };
}

/** SQLite's one connection, as TypeORM's driver has it. */
interface SqliteConnection {
  readonly inTransaction: boolean;
  defaultSafeIntegers(on: boolean): void;
  exec(sql: string): void;
  prepare(sql: string): Statement;
}

/** Runs `work` in a transaction. */
export type Write = <T>(work: (tx: EntityManager) => Promise<T>) => Promise<T>;

/**
 * Reads and writes the database. On PostgreSQL every `write` is an ordinary transaction. SQLite has one connection,
 * on which overlapping transactions would merge. So all its writes and reads pass one queue: the ledger before admin
 * writes before pruning.
 */
@Injectable()
export class Database {
  private readonly waiting: Record<Priority, (() => Promise<void>)[]> = {
    ledger: [],
    admin: [],
    pruning: [],
  };
  private draining = false;
  private readonly afterCommits = new WeakMap<QueryRunner, (() => void)[]>();
  private readonly beforeCommits = new WeakMap<QueryRunner, (() => Promise<void>)[]>();

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly writeHealth: WriteHealth = new WriteHealth(),
  ) {
    // From here on integers arrive as `bigint`: a nano-dollar beyond 2^53 must not pass through a double. It is off
    // during migrations, because TypeORM compares numbers of the schema.
    if (!this.isPostgres) this.sqlite.defaultSafeIntegers(true);
  }

  get isPostgres(): boolean {
    return this.dataSource.options.type === 'postgres';
  }

  /**
   * Runs `work` in one transaction: all of it is committed when the promise resolves, or none. For an actor it first
   * reads the actor's rights again, because every route that writes passes here.
   */
  write<T>(work: (tx: EntityManager) => Promise<T>, priority: Priority = 'admin'): Promise<T> {
    const actor = currentActor();
    const transaction = async () => {
      const afterCommits: (() => void)[] = [];
      const beforeCommits: (() => Promise<void>)[] = [];
      const result = await this.dataSource.transaction(async (tx) => {
        if (!this.isPostgres) this.beginImmediate();
        ChangedRows.begin(tx.queryRunner!, actor);
        this.afterCommits.set(tx.queryRunner!, afterCommits);
        this.beforeCommits.set(tx.queryRunner!, beforeCommits);
        await actor?.rights?.readAgain(tx);
        const value = await work(tx);
        for (const act of beforeCommits) await act();
        return value;
      });
      for (const act of afterCommits) act();
      return result;
    };
    return this.isPostgres
      ? transaction()
      : this.enqueue(priority, () => this.withWriteHealth(retryWhileBusy(transaction)));
  }

  /** Registers `act` to run right before the commit. Must run inside a transaction. */
  beforeCommit(tx: EntityManager, act: () => Promise<void>): void {
    this.beforeCommits.get(tx.queryRunner!)!.push(act);
  }

  /**
   * Registers `act` to run right after the commit. On SQLite that is before the next job of the queue. Must run
   * inside a transaction.
   */
  afterCommit(tx: EntityManager, act: () => void): void {
    this.afterCommits.get(tx.queryRunner!)!.push(act);
  }

  /**
   * Runs `work` with a `write` that is rolled back in the end. Until then it blocks the database (SQLite) or its rows
   * (PostgreSQL).
   */
  async dryRun(work: (write: Write) => Promise<void>): Promise<void> {
    const rollback = new Error('Nothing of a rehearsal is kept.');
    const transaction = this.write<void>(async (tx) => {
      await work((step) =>
        tx.transaction((inner) => {
          ChangedRows.begin(inner.queryRunner!, currentActor());
          return step(inner);
        }),
      );
      throw rollback;
    });
    await transaction.catch((error: unknown) => {
      if (error !== rollback) throw error;
    });
  }

  /** Runs reads that see only committed data. */
  read<T>(work: (manager: EntityManager) => Promise<T>, priority: Priority = 'admin'): Promise<T> {
    const run = () => work(this.dataSource.manager);
    return this.isPostgres ? run() : this.enqueue(priority, run);
  }

  /** Prepares a statement for `writePrepared`. SQLite only. */
  prepare(sql: string): Statement {
    return this.sqlite.prepare(sql);
  }

  /**
   * Runs prepared statements in one transaction, in its turn and without a pause. It bypasses TypeORM, which costs
   * many times more per statement than SQLite. For the ledger, which is written twice per call. SQLite only.
   */
  writePrepared(work: () => void): Promise<void> {
    const { sqlite } = this;
    const transaction = async () => {
      await retryWhileBusy(() => sqlite.exec('BEGIN IMMEDIATE'));
      try {
        work();
        sqlite.exec('COMMIT');
      } catch (error) {
        if (sqlite.inTransaction) sqlite.exec('ROLLBACK');
        throw error;
      }
    };
    return this.enqueue('ledger', () => this.withWriteHealth(transaction()));
  }

  /**
   * Locks the file for this transaction. Throws if another process writes. A prepared statement that meets a busy
   * file fails from then on until the process ends. So this plain statement must be the first.
   */
  private beginImmediate(): void {
    this.sqlite.exec('DELETE FROM migrations WHERE false');
  }

  /**
   * Records whether the file could be written. After a failure it rewrites a page unchanged until that works. SQLite
   * only.
   */
  private async withWriteHealth<T>(transaction: Promise<T>): Promise<T> {
    try {
      const result = await transaction;
      this.writeHealth.succeeded('file');
      return result;
    } catch (error) {
      if (FILE_ERROR.test(String((error as { code?: unknown }).code)))
        this.writeHealth.failed('file', () =>
          this.writePrepared(() => this.sqlite.exec('PRAGMA user_version = 0')),
        );
      throw error;
    }
  }

  private get sqlite(): SqliteConnection {
    return (this.dataSource.driver as unknown as { databaseConnection: SqliteConnection }).databaseConnection;
  }

  private enqueue<T>(priority: Priority, job: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting[priority].push(() => job().then(resolve, reject));
      if (!this.draining) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.draining = true;
    let turnStart = performance.now();
    try {
      for (let job = this.next(); job; job = this.next()) {
        await job();
        // SQLite replies without a pause: a hundred reads in a row would be one turn of the event loop.
        if (performance.now() - turnStart < TURN_MS) continue;
        await new Promise<void>((turn) => setImmediate(turn));
        turnStart = performance.now();
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

/** The time for which another process may write to the SQLite file before that is an error. */
const BUSY_TIMEOUT_MS = 1_000;
/** The pause between two tries. */
const BUSY_RETRY_MS = 50;

/** Retries `work` while another process writes. Its first statement must be the one that fails then. */
async function retryWhileBusy<T>(work: () => MaybePromise<T>): Promise<T> {
  for (const until = performance.now() + BUSY_TIMEOUT_MS; ; await sleep(BUSY_RETRY_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error;
    }
  }
}

/** SQLite's error codes for a file that cannot be written. */
const FILE_ERROR = /^SQLITE_(?:BUSY|LOCKED|PROTOCOL|IOERR|FULL|NOMEM|CANTOPEN|READONLY|CORRUPT|NOTADB|PERM)/;

/** Returns true if another process writes to the SQLite file. */
export const isBusy = (error: unknown) => (error as { code?: unknown }).code === 'SQLITE_BUSY';
