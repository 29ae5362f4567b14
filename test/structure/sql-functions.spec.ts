import { readdirSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { DataSource } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { databaseOptions } from '../../src/database-options.js';
import { freshPostgres, postgresIsThere } from '../harness/postgres.js';

const src = resolve(import.meta.dirname, '../../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /(?:^|\/)sql\/[^/]+\.sql$/.test(file))
  .map((file) => ({ name: basename(file, '.sql'), text: readFileSync(resolve(src, file), 'utf8') }));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function emptyDatabase(): Promise<DataSource> {
  const { url, drop } = await freshPostgres();
  cleanups.push(drop);
  const dataSource = await new DataSource(databaseOptions(url, '')).initialize();
  cleanups.push(() => dataSource.destroy());
  return dataSource;
}

/** Reads the names and definitions of a database's functions, without those of its extensions. */
const functionsOf = (dataSource: DataSource): Promise<{ name: string; definition: string }[]> =>
  dataSource.query(
    `SELECT p.proname AS name, pg_get_functiondef(p.oid) AS definition
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = current_schema()
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
     ORDER BY p.proname COLLATE "C"`,
  );

const isPostgresThere = await postgresIsThere();

describe('the functions of PostgreSQL', () => {
  it.each(files)('$name has a file that says its inputs, lock order and promise', ({ text }) => {
    const head = text.slice(0, text.indexOf('CREATE OR REPLACE FUNCTION'));
    for (const part of [/^-- Inputs?\b/m, /^-- Lock order: /m, /^-- Promise: /m]) expect(head).toMatch(part);
  });

  it.skipIf(!isPostgresThere)('are in a migrated database what the files say', async () => {
    const migrated = await emptyDatabase();
    await migrated.runMigrations();
    const founded = await emptyDatabase();
    for (const { text } of files) await founded.query(text);
    const functions = await functionsOf(migrated);
    expect(functions).toEqual(await functionsOf(founded));
    expect(functions.map(({ name }) => name)).toEqual(files.map(({ name }) => name).toSorted());
  });
});
