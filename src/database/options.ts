import { join } from 'node:path';
import Libsql from 'libsql';
import type { DataSourceOptions } from 'typeorm';
import { refuseUnbindable } from './bindable.js';
import { migrations } from './migrations/index.js';
import { PostgresClient } from './postgres-client.js';

const CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 3_000;
/** The longest statement that a client may wait for. */
export const STATEMENT_TIMEOUT_MS = 10_000;
/** The extra time for the server to end a statement. After it, the connection counts as dead. */
const GRACE_MS = 1_000;
/**
 * The time SQLite waits for another writing process. It blocks the event loop, so it is short; `Database` retries for
 * a second.
 */
const SQLITE_BUSY_MS = 20;
/**
 * The size of SQLite's log (16 MB) at which it is moved into the database file. The move blocks the event loop. Pages
 * that changed several times are moved once.
 */
const CHECKPOINT_PAGES = 4_000;

/**
 * Returns the connection options: `postgres://…`, or else an SQLite file in the data folder. `synchronize` is never
 * used; migrations run at start. `fsync`: commits survive a power loss, not only the death of the process.
 */
export function connectionOptions(
  entities: readonly (new () => object)[],
  databaseUrl: string | undefined,
  dataFolder: string,
  fsync = false,
): DataSourceOptions {
  const shared = { entities: [...entities], migrations, migrationsTransactionMode: 'each' as const };
  if (databaseUrl) {
    return {
      ...shared,
      type: 'postgres',
      url: databaseUrl,
      applicationName: 'tollgate',
      // An unreachable database is an error to report, not a reason to hang.
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      extra: {
        max: CONNECTIONS,
        Client: PostgresClient,
        statementTimeoutMs: STATEMENT_TIMEOUT_MS,
        query_timeout: STATEMENT_TIMEOUT_MS + GRACE_MS,
        keepAlive: true,
      },
    };
  }
  return {
    ...shared,
    type: 'better-sqlite3',
    database: join(dataFolder, 'tollgate.db'),
    // `libsql` is prebuilt in the registry, so a clone needs no compiler. See docs/decisions.
    driver: Libsql,
    enableWAL: true,
    timeout: SQLITE_BUSY_MS,
    prepareDatabase: (connection: Libsql.Database) => {
      refuseUnbindable(connection);
      connection.pragma(`synchronous = ${fsync ? 'FULL' : 'NORMAL'}`);
      connection.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      connection.pragma('foreign_keys = ON');
    },
  };
}

/** Returns the options for commands and migrations. No client waits for them, so statements have no timeout. */
export const withoutTimeout = (options: DataSourceOptions): DataSourceOptions =>
  options.type === 'postgres'
    ? { ...options, extra: { ...(options.extra as object), statementTimeoutMs: 0, query_timeout: undefined } }
    : options;
