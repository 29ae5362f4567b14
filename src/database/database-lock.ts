import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationShutdown,
  type OnModuleInit,
  ServiceUnavailableException,
} from '@nestjs/common';
import pg from 'pg';
import { CONFIG, type Config } from '../config/config.js';
import { pause } from '../pause.js';
import { Unanswered } from '../unanswered.js';

/** `tollgate` in ASCII, as the number PostgreSQL's advisory locks go by. */
const LOCK_ID = '8390043843661231205';
const TIMEOUT_MS = 3_000;
const TRY_AGAIN_MS = 500;

const TAKEN =
  'The database is in use by another Tollgate process. To run more than one, give all of them the same REDIS_URL.';

/**
 * On PostgreSQL any number of processes may run if they share a Redis; without one, a process wants the database to
 * itself. The lock is a session's, so a database that restarts has forgotten it: it is taken again, and until it is
 * nothing may be held. (A data folder has its own lock.)
 */
@Injectable()
export class DatabaseLock implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(DatabaseLock.name);
  private session: pg.Client | undefined;
  private isTaken = false;
  private stopped = false;

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'databaseUrl' | 'redisUrl'>) {}

  async onModuleInit(): Promise<void> {
    if (this.config.databaseUrl && !(await this.take())) throw new Error(TAKEN);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await Promise.race([this.session?.end(), pause(TIMEOUT_MS, { unref: true })]);
  }

  /** May this process use the database? A data folder is locked otherwise. */
  get isOurs(): boolean {
    return this.session !== undefined || !this.config.databaseUrl;
  }

  /** Throws what a client is told while this process may not use the database. */
  expectOurs(): void {
    if (this.isOurs) return;
    if (this.isTaken) throw new ServiceUnavailableException({ message: TAKEN });
    throw new Unanswered('database', 'its lock was lost and is not taken again yet');
  }

  /** False when another process has it. Rejects when the database does not answer. */
  private async take(): Promise<boolean> {
    const { databaseUrl, redisUrl } = this.config;
    const session = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'tollgate lock',
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      keepAlive: true,
    });
    let ended = false;
    session.on('error', () => {});
    session.once('end', () => {
      ended = true;
      if (this.session === session) this.lost();
    });
    try {
      await session.connect();
      const { rows } = await session.query<{ locked: boolean }>(
        `SELECT ${redisUrl ? 'pg_try_advisory_lock_shared' : 'pg_try_advisory_lock'}($1) AS locked`,
        [LOCK_ID],
      );
      if (rows[0]!.locked && !ended) this.session = session;
      return rows[0]!.locked;
    } finally {
      if (this.session !== session) void session.end().catch(() => undefined);
    }
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
      if (!this.session) await pause(TRY_AGAIN_MS, { unref: true });
    }
    if (this.session) this.logger.log('The lock of the database is taken again.');
  }
}
