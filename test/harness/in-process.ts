import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { EntityManager } from 'typeorm';
import { request } from 'undici';
import { stringify } from 'yaml';
import { currentActor } from '../../src/platform/audit-context.js';
import { createApp } from '../../src/app.setup.js';
import { readConfig } from '../../src/config/read-config.js';
import { Database } from '../../src/database/database.js';
import { sleep } from '../../src/platform/sleep.js';
import type { Answer } from './gateway.js';
import { migratedPostgres, migratedSqlite } from './templates.js';
import { RedisServer } from './redis.js';

type Work = (tx: EntityManager) => Promise<unknown>;

/** Moment in an admin's write at which another operation happens. */
export type Moment = 'between the guard and the transaction' | 'before the work' | 'after the work';

/** An operation that happens while a write is paused. */
export interface Meanwhile<T> {
  /** Tells whether the operation was done before the write continued. */
  readonly cameFirst: () => boolean;
  /** Returns the operation's result, which may come only after the write. */
  readonly answer: () => Promise<T>;
}

/** Longest time that a write waits for the operation inside it, if nothing shows that the operation waits for the write. */
const PATIENCE_MS = 10_000;
const POLL_MS = 10;

/** The gateway in the process of the test, so that a test can pause a write. PostgreSQL has a second replica. */
export class InProcess {
  readonly masterKey = 'sk-master-of-the-races';
  /** The other replica if there is one; else this one. */
  readonly elsewhere: InProcess;

  private constructor(
    private readonly app: NestFastifyApplication,
    private readonly url: string,
    other: InProcess | undefined,
    private readonly cleanUp: () => Promise<void>,
  ) {
    this.elsewhere = other ?? this;
  }

  static async start(
    config: { general_settings?: object } & Record<string, unknown> = {},
  ): Promise<InProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-races-'));
    const file = join(folder, 'config.yaml');
    const general_settings = { max_event_loop_delay_ms: 0, ...config.general_settings };
    writeFileSync(file, stringify({ ...config, general_settings }));
    const env = {
      TOLLGATE_DATA: folder,
      TOLLGATE_MASTER_KEY: 'sk-master-of-the-races',
      TOLLGATE_CONFIG: file,
    };
    const remove = async () => rmSync(folder, { recursive: true });
    if (process.env.TESTS_ON !== 'postgres') {
      await migratedSqlite(folder);
      return InProcess.listening(env, undefined, remove);
    }
    const [{ url, drop }, redis] = await Promise.all([migratedPostgres(), RedisServer.start()]);
    const shared = { ...env, DATABASE_URL: url, REDIS_URL: redis.url };
    const other = await InProcess.listening(shared, undefined, async () => {});
    return InProcess.listening(shared, other, async () => {
      await other.close();
      await redis.close();
      await drop();
      await remove();
    });
  }

  private static async listening(
    env: Record<string, string>,
    other: InProcess | undefined,
    cleanUp: () => Promise<void>,
  ): Promise<InProcess> {
    const app = await createApp(readConfig(env));
    await app.listen(0, '127.0.0.1');
    return new InProcess(app, await app.getUrl(), other, cleanUp);
  }

  get database(): Database {
    return this.app.get(Database, { strict: false });
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.cleanUp();
  }

  send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.as('', method, path, body, headers);
  }

  async as(
    key: string,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const answer = await request(this.url + path, {
      method: method as 'POST',
      headers: { ...(key && { authorization: `Bearer ${key}` }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    const isJson = String(answer.headers['content-type']).includes('json');
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  }

  /** Sends a request with the master key, which must succeed. Returns the body. */
  async create(path: string, body: object, method = 'POST'): Promise<Answer['body']> {
    const { status, text, body: answer } = await this.as(this.masterKey, method, path, body);
    if (status >= 300) throw new Error(`${method} ${path} ${JSON.stringify(body)}: ${status} ${text}`);
    return answer;
  }

  /**
   * Pauses the next admin write at this moment while another operation happens. It continues once that is done or waits for the
   * write itself.
   */
  during<T>(moment: Moment, other: () => Promise<T>): Meanwhile<T> {
    const { database } = this;
    const write = database.write.bind(database);
    let answer: Promise<T> | undefined;
    let cameFirst = false;
    const happens = async (tx?: EntityManager) => {
      answer = other();
      const done = answer.then(() => true);
      cameFirst = await (tx ? Promise.race([done, this.isBehind(tx, done)]) : done);
    };
    const pausingWrite = async (work: Work, ...more: [never]) => {
      // Calls and the guard write rows, too; only writes of admins pause.
      if (!currentActor()) return write(work, ...more);
      database.write = write;
      if (moment === 'between the guard and the transaction') {
        await happens();
        return write(work, ...more);
      }
      let isFirst = true;
      return write(
        async (tx) => {
          const once = isFirst;
          isFirst = false;
          if (once && moment === 'before the work') await happens(tx);
          const done = await work(tx);
          if (once && moment === 'after the work') await happens(tx);
          return done;
        },
        ...more,
      );
    };
    database.write = pausingWrite as typeof write;
    return {
      cameFirst: () => cameFirst,
      answer: () => {
        database.write = write;
        if (!answer) throw new Error('Nothing was written.');
        return answer;
      },
    };
  }

  /** Resolves to false when another operation waits for this transaction. */
  private async isBehind(tx: EntityManager, done: Promise<unknown>): Promise<false> {
    let isDone = false;
    const end = () => (isDone = true);
    done.then(end, end);
    const { database } = this;
    const sql = 'SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))';
    const waiters = async (): Promise<readonly unknown[]> =>
      database.isPostgres ? tx.query<unknown[]>(sql) : Object.values(database['waiting']).flat();
    const until = Date.now() + PATIENCE_MS;
    while (!isDone && Date.now() < until && !(await waiters()).length) await sleep(POLL_MS);
    return false;
  }
}
