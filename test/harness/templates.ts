import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import pg from 'pg';
import { dropPostgres, freshPostgres } from './postgres.js';
import { oncePerRun, runFolder } from './once-per-run.js';

const sqliteTemplate = () => join(runFolder(), 'template.db');
/** Returns the path of the file with the URL of the migrated database. */
const postgresNote = () => join(runFolder(), 'postgres-template');

/** Puts a migrated, empty SQLite database into this folder. It is a copy: migrations run once per test run. */
export async function migratedSqlite(folder: string): Promise<void> {
  await oncePerRun('sqlite-template', async () => {
    const place = mkdtempSync(join(runFolder(), 'sqlite-'));
    await migrate(undefined, place);
    // The file alone lacks the rows in its write-ahead log.
    inSqlite(place, (database) => database.prepare('VACUUM INTO ?').run(sqliteTemplate()));
  });
  copyFileSync(sqliteTemplate(), join(folder, 'tollgate.db'));
  inSqlite(folder, (database) => database.prepare('UPDATE installation SET id = ?').run(randomUUID()));
}

function inSqlite(folder: string, work: (database: InstanceType<typeof Libsql>) => unknown): void {
  const database = new Libsql(join(folder, 'tollgate.db'));
  try {
    work(database);
  } finally {
    database.close();
  }
}

/** Makes a migrated, empty PostgreSQL database for one test. It is a copy: migrations run once per test run. */
export async function migratedPostgres(): Promise<{ url: string; drop: () => Promise<void> }> {
  await oncePerRun('postgres-template', async () => {
    const { url } = await freshPostgres();
    writeFileSync(postgresNote(), url);
    await migrate(url, '');
  });
  const database = await freshPostgres(readFileSync(postgresNote(), 'utf8'));
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('UPDATE installation SET id = $1', [randomUUID()]);
  await client.end();
  return database;
}

/** Drops the migrated PostgreSQL database, if this run made one. */
export async function dropPostgresTemplate(): Promise<void> {
  if (existsSync(postgresNote())) await dropPostgres(readFileSync(postgresNote(), 'utf8'));
}

async function migrate(url: string | undefined, folder: string): Promise<void> {
  const { databaseOptions } = await import('../../src/database-options.js');
  const { runMigrations } = await import('../../src/database/run-migrations.js');
  await runMigrations(databaseOptions(url, folder));
}
