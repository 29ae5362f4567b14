import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationShutdown,
  type OnModuleInit,
  ServiceUnavailableException,
} from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { CONFIG, type Config } from '../config/config.js';
import { sleep } from '../platform/sleep.js';
import { DependencyUnavailableError } from '../platform/dependency-unavailable.error.js';
import { ADVISORY_LOCKS } from './advisory-locks.js';
import { NOW_MS } from './now-ms.js';
import { PostgresClient } from './postgres-client.js';

const TIMEOUT_MS = 3_000;
const TRY_AGAIN_MS = 500;
/** So long the lease of a process that died is in the way of the next one. */
const LEASE_MS = 10_000;
const RENEW_MS = 1_000;

const TAKEN =
  'The database is in use by another Tollgate process. To run more than one, give all of them the same REDIS_URL.';

/**
 * On PostgreSQL any number of processes may run if they share a Redis; without one, a process wants the database to
 * itself. The lock is a session's, so a database that restarts has forgotten it: it is taken again, and until it is
 * nothing may be held. Behind a pooler a process has no session of its own: there it has a lease, a row it renews every
 * second. The two exclude each other. (A data folder has its own lock.)
 */
@Injectable()
export class DatabaseLock implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(DatabaseLock.name);
  private readonly id = uuidv7();
  private session: PostgresClient | undefined;
  /** Until when the lease is valid, on the clock of `performance.now()`. A session's lock is valid as long as the session. */
  private leasedUntil = Infinity;
  private renewing: NodeJS.Timeout | undefined;
  private isTaken = false;
  private stopped = false;

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'databaseUrl' | 'redisUrl'>) {}

  /** A lease of a process that died lapses: it is waited for once. */
  async onModuleInit(): Promise<void> {
    if (!this.config.databaseUrl) return;
    const until = performance.now() + LEASE_MS + RENEW_MS;
    while (!(await this.take())) {
      if (!(await this.mayLapse()) || performance.now() > until) throw new Error(TAKEN);
      await sleep(TRY_AGAIN_MS);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.renewing);
    const { session } = this;
    if (!session) return;
    await Promise.race([this.leave(session), sleep(TIMEOUT_MS, { unref: true })]);
  }

  private async leave(session: PostgresClient): Promise<void> {
    if (session.isPooled)
      await session
        .runAlone('leave', 'DELETE FROM database_leases WHERE id = $1', [this.id])
        .catch(() => undefined);
    await session.end();
  }

  /** May this process use the database? A data folder is locked otherwise. */
  get isOurs(): boolean {
    if (!this.config.databaseUrl) return true;
    return this.session !== undefined && performance.now() < this.leasedUntil;
  }

  /** Throws what a client is told while this process may not use the database. */
  expectOurs(): void {
    if (this.isOurs) return;
    if (this.isTaken) throw new ServiceUnavailableException({ message: TAKEN });
    throw new DependencyUnavailableError('database', 'its lock was lost and is not taken again yet');
  }

  /** False when another process has it. Rejects when the database does not answer. */
  private async take(): Promise<boolean> {
    const session = this.newSession();
    let ended = false;
    session.once('end', () => {
      ended = true;
      if (this.session === session) this.lost();
    });
    try {
      await session.connect();
      const isOurs = session.isPooled ? await this.lease(session) : await this.lock(session);
      if (isOurs && !ended) this.session = session;
      return isOurs;
    } finally {
      if (this.session !== session) void session.end().catch(() => undefined);
    }
  }

  private newSession(): PostgresClient {
    return new PostgresClient({
      connectionString: this.config.databaseUrl,
      application_name: 'tollgate lock',
      connectionTimeoutMillis: TIMEOUT_MS,
      statementTimeoutMs: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS + TRY_AGAIN_MS,
      keepAlive: true,
    });
  }

  private async lock(session: PostgresClient): Promise<boolean> {
    const rows = await session.runAlone<{ locked: boolean }>(
      'lock',
      `SELECT ${this.isAlone ? 'pg_try_advisory_lock' : 'pg_try_advisory_lock_shared'}($1) AS locked`,
      [ADVISORY_LOCKS.process],
    );
    // Who has a lease does not have the session's lock. Who asks for one now finds it taken.
    if (!rows[0]!.locked || (await this.isLeased(session))) return false;
    this.leasedUntil = Infinity;
    return true;
  }

  /** Has another process a lease that excludes this one? */
  private async isLeased(session: PostgresClient): Promise<boolean> {
    const rows = await session.runAlone<{ leased: boolean }>(
      'leased',
      `SELECT EXISTS (SELECT 1 FROM database_leases
         WHERE valid_until > ${NOW_MS} AND id <> $1 AND ($2::boolean OR alone)) AS leased`,
      [this.id, this.isAlone],
    );
    return rows[0]!.leased;
  }

  private async lease(session: PostgresClient): Promise<boolean> {
    const until = performance.now() + LEASE_MS;
    const rows = await session.runAlone<{ leased: boolean }>(
      'lease',
      'SELECT tollgate_lease($1, $2, $3) AS leased',
      [this.id, this.isAlone, LEASE_MS],
    );
    if (!rows[0]!.leased) return false;
    this.leasedUntil = until;
    this.renewing ??= setInterval(() => void this.renew(), RENEW_MS).unref();
    return true;
  }

  private async renew(): Promise<void> {
    const { session } = this;
    if (!session?.isPooled || this.stopped) return;
    // No answer: the lease lapses by itself unless a later one comes in time.
    const isOurs = await this.lease(session).catch(() => true);
    if (isOurs || this.session !== session) return;
    this.isTaken = true;
    this.lost();
    void session.end().catch(() => undefined);
  }

  /** Is what stands in the way a lease, which may be that of a process that died? */
  private async mayLapse(): Promise<boolean> {
    const session = this.newSession();
    try {
      await session.connect();
      return await this.isLeased(session);
    } finally {
      void session.end().catch(() => undefined);
    }
  }

  /** Without a Redis nobody else may use the database. */
  private get isAlone(): boolean {
    return !this.config.redisUrl;
  }

  private lost(): void {
    this.session = undefined;
    if (!this.stopped) void this.takeAgain();
  }

  private async takeAgain(): Promise<void> {
    this.logger.warn('The database closed the session of its lock. Nothing is held until it is taken again.');
    while (!this.session && !this.stopped) {
      const taken = await this.take().catch(() => undefined);
      if (taken === false && !this.isTaken) this.logger.error(TAKEN);
      this.isTaken = taken === false;
      if (!this.session) await sleep(TRY_AGAIN_MS, { unref: true });
    }
    if (this.session) this.logger.log('The lock of the database is taken again.');
  }
}
