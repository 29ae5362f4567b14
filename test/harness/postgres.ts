import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** Server of the tests. Without it the tests use no PostgreSQL, not even one that listens on this machine. */
const { TEST_DATABASE_URL: SERVER } = process.env;

/** Tells whether tests may use PostgreSQL. Throws if TEST_DATABASE_URL does not respond, and in CI if it is missing. */
export async function postgresIsThere(): Promise<boolean> {
  if (SERVER) await onServer('SELECT 1');
  else if (process.env.CI) throw new Error('TEST_DATABASE_URL is missing: in CI nothing is skipped.');
  return SERVER !== undefined;
}

/** Makes a database for one test: an empty one, or a copy of one that has no connections. See `migratedPostgres`. */
export async function freshPostgres(copied?: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `tollgate_test_${randomBytes(6).toString('hex')}`;
  const like = copied === undefined ? '' : ` TEMPLATE ${new URL(copied).pathname.slice(1)}`;
  await onServer(`CREATE DATABASE ${name}${like}`);
  const url = new URL(SERVER!);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => dropPostgres(url.href) };
}

/** Drops a database and ends its connections. */
export const dropPostgres = (url: string): Promise<void> =>
  onServer(`DROP DATABASE IF EXISTS ${new URL(url).pathname.slice(1)} WITH (FORCE)`);

/** Makes a role with this password and all rights. */
export async function freshRole(password: string): Promise<{ name: string; drop: () => Promise<void> }> {
  const name = `tollgate_test_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE ROLE ${name} SUPERUSER LOGIN PASSWORD '${password}'`);
  return { name, drop: () => onServer(`DROP ROLE ${name}`) };
}

async function onServer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: SERVER, connectionTimeoutMillis: 60_000 });
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end();
  }
}
