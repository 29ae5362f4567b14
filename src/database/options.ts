import { join } from 'node:path';
import Libsql from 'libsql';
import type { DataSourceOptions } from 'typeorm';
import { refuseUnbindable } from './bindable.js';
import { migrations } from './migrations/index.js';
import { PostgresClient } from './postgres-client.js';

const CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 3_000;
/** Longer than anybody who waits for an answer may keep the database busy. */
export const STATEMENT_TIMEOUT_MS = 10_000;
/** A statement the server did not end by then has no answer: the connection is dead. */
const SILENCE_MS = 1_000;
/** SQLite itself waits so long for another process that writes, and nobody is served meanwhile; `Database` asks again for a second. */
const SQLITE_BUSY_MS = 20;
/**
 * SQLite's log is moved into its file this often: 16 MB. Nobody is served meanwhile, and pages that changed several times
 * are moved once.
 */
const CHECKPOINT_PAGES = 4_000;

/**
 * How to reach the database: `postgres://…`, or else an SQLite file in the data folder. `synchronize` is never
 * used; migrations run at start. `fsync`: a commit survives power loss, not only the death of the process.
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
      // A database that does not answer is an error to tell, not a reason to hang.
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      extra: {
        max: CONNECTIONS,
        Client: PostgresClient,
        statementTimeoutMs: STATEMENT_TIMEOUT_MS,
        query_timeout: STATEMENT_TIMEOUT_MS + SILENCE_MS,
        keepAlive: true,
      },
    };
  }
  return {
    ...shared,
    type: 'better-sqlite3',
    database: join(dataFolder, 'tollgate.db'),
    // The binding: `libsql` is prebuilt in the registry, so a clone needs no compiler. See docs/decisions.
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

/** The same for commands and migrations, for whose answer no client waits: no statement is ended because it takes long. */
export const withoutTimeout = (options: DataSourceOptions): DataSourceOptions =>
  options.type === 'postgres'
    ? { ...options, extra: { ...(options.extra as object), statementTimeoutMs: 0, query_timeout: undefined } }
    : options;
