import { randomBytes } from 'node:crypto';
import pg from 'pg';

const SERVER = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** Is there a PostgreSQL to test on? In CI there must be: without one this throws, so nothing is skipped silently. */
export async function postgresIsThere(): Promise<boolean> {
  try {
    await onServer('SELECT 1');
    return true;
  } catch (error) {
    if (process.env.CI) throw error;
    console.warn(
      `PostgreSQL tests are skipped: ${(error as Error).message} (TEST_DATABASE_URL says where to look)`,
    );
    return false;
  }
}

/** A database of its own for one test: an empty one, or a copy of one that nobody uses. */
export async function freshPostgres(copied?: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `tollgate_test_${randomBytes(6).toString('hex')}`;
  const like = copied === undefined ? '' : ` TEMPLATE ${new URL(copied).pathname.slice(1)}`;
  await onServer(`CREATE DATABASE ${name}${like}`);
  const url = new URL(SERVER);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** Makes a role with this password that may do everything. */
export async function freshRole(password: string): Promise<{ name: string; drop: () => Promise<void> }> {
  const name = `tollgate_test_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE ROLE ${name} SUPERUSER LOGIN PASSWORD '${password}'`);
  return { name, drop: () => onServer(`DROP ROLE ${name}`) };
}

async function onServer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: SERVER, connectionTimeoutMillis: 3_000 });
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end();
  }
}
