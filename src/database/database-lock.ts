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
const RETRY_MS = 500;
/** The lifetime of a lease. A dead process blocks the next one for this long. */
const LEASE_MS = 10_000;
const RENEW_MS = 1_000;

const IN_USE =
  'The database is in use by another Tollgate process. To run more than one, give all of them the same REDIS_URL.';

/**
 * Excludes other processes from the database. On PostgreSQL any number of processes may run if they share a Redis.
 * Without Redis, one process has the database to itself.
 * The lock belongs to a session. A restarted database has lost it, so it is acquired again; until then nothing may be
 * held. Behind a pooler a process has no session of its own and uses a lease, a row that it renews every second. Lock
 * and lease exclude each other. (A data folder has its own lock.)
 */
@Injectable()
export class DatabaseLock implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(DatabaseLock.name);
  private readonly id = uuidv7();
  private session: PostgresClient | undefined;
  /** When the lease expires, on the clock of `performance.now()`. Infinity for a session's lock. */
  private leasedUntil = Infinity;
  private renewTimer: NodeJS.Timeout | undefined;
  private isInUse = false;
  private stopped = false;

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'databaseUrl' | 'redisUrl'>) {}

  /** Acquires the lock. Waits once for the lease of a dead process to expire. */
  async onModuleInit(): Promise<void> {
    if (!this.config.databaseUrl) return;
    const until = performance.now() + LEASE_MS + RENEW_MS;
    while (!(await this.acquire())) {
      if (!(await this.isBlockedByLease()) || performance.now() > until) throw new Error(IN_USE);
      await sleep(RETRY_MS);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.renewTimer);
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

  /** True if this process may use the database. A data folder has its own lock. */
  get isOurs(): boolean {
    if (!this.config.databaseUrl) return true;
    return this.session !== undefined && performance.now() < this.leasedUntil;
  }

  /** Throws a 503 unless this process may use the database. */
  expectOurs(): void {
    if (this.isOurs) return;
    if (this.isInUse) throw new ServiceUnavailableException({ message: IN_USE });
    throw new DependencyUnavailableError('database', 'its lock was lost and is not taken again yet');
  }

  /** Returns false if another process has the database. Rejects if the database does not respond. */
  private async acquire(): Promise<boolean> {
    const session = this.newSession();
    let ended = false;
    session.once('end', () => {
      ended = true;
      if (this.session === session) this.onLost();
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
      query_timeout: TIMEOUT_MS + RETRY_MS,
      keepAlive: true,
    });
  }

  private async lock(session: PostgresClient): Promise<boolean> {
    const rows = await session.runAlone<{ locked: boolean }>(
      'lock',
      `SELECT ${this.isAlone ? 'pg_try_advisory_lock' : 'pg_try_advisory_lock_shared'}($1) AS locked`,
      [ADVISORY_LOCKS.process],
    );
    // A process with a lease does not have the session's lock. From here on no process gets a lease.
    if (!rows[0]!.locked || (await this.isLeased(session))) return false;
    this.leasedUntil = Infinity;
    return true;
  }

  /** Returns true if another process has a lease that excludes this one. */
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
    this.renewTimer ??= setInterval(() => void this.renew(), RENEW_MS).unref();
    return true;
  }

  private async renew(): Promise<void> {
    const { session } = this;
    if (!session?.isPooled || this.stopped) return;
    // Without a response the lease expires, unless a later renewal succeeds in time.
    const isOurs = await this.lease(session).catch(() => true);
    if (isOurs || this.session !== session) return;
    this.isInUse = true;
    this.onLost();
    void session.end().catch(() => undefined);
  }

  /** Returns true if a lease blocks this process. It may belong to a dead process. */
  private async isBlockedByLease(): Promise<boolean> {
    const session = this.newSession();
    try {
      await session.connect();
      return await this.isLeased(session);
    } finally {
      void session.end().catch(() => undefined);
    }
  }

  /** True without Redis: no other process may use the database. */
  private get isAlone(): boolean {
    return !this.config.redisUrl;
  }

  private onLost(): void {
    this.session = undefined;
    if (!this.stopped) void this.reacquire();
  }

  private async reacquire(): Promise<void> {
    this.logger.warn('The database closed the session of its lock. Nothing is held until it is taken again.');
    while (!this.session && !this.stopped) {
      const isOurs = await this.acquire().catch(() => undefined);
      if (isOurs === false && !this.isInUse) this.logger.error(IN_USE);
      this.isInUse = isOurs === false;
      if (!this.session) await sleep(RETRY_MS, { unref: true });
    }
    if (this.session) this.logger.log('The lock of the database is taken again.');
  }
}
