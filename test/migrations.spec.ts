import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { madeBy } from '../src/database/authored-row.js';
import { Database } from '../src/database/database.js';
import { databaseOptions } from '../src/database/options.js';
import { VirtualKey } from '../src/keys/virtual-key.entity.js';
import { nanoUsd } from '../src/policy/money.js';
import { freshPostgres, postgresIsThere } from './postgres.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function open(options: DataSourceOptions): Promise<DataSource> {
  const dataSource = await new DataSource(options).initialize();
  cleanups.push(() => dataSource.destroy());
  return dataSource;
}

async function sqlite(): Promise<DataSource> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  return open(databaseOptions(undefined, folder));
}

async function postgres(): Promise<DataSource> {
  const { url, drop } = await freshPostgres();
  cleanups.push(drop);
  return open(databaseOptions(url, ''));
}

const drift = async (dataSource: DataSource) =>
  (await dataSource.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);

describe.each([
  { name: 'SQLite', connect: sqlite, skip: false },
  { name: 'PostgreSQL', connect: postgres, skip: !(await postgresIsThere()) },
])('migrations on $name', ({ connect, skip }) => {
  it.skipIf(skip)('make exactly the schema the entities describe, and undo it', async () => {
    const dataSource = await connect();
    await dataSource.runMigrations();
    expect(await drift(dataSource)).toEqual([]);

    await dataSource.runMigrations();
    for (const _ of dataSource.migrations) await dataSource.undoLastMigration({ transaction: 'none' });
    expect((await drift(dataSource)).length).toBeGreaterThan(0);

    await dataSource.runMigrations();
    expect(await drift(dataSource)).toEqual([]);
  });

  it.skipIf(skip)('give back what was written, to the last nano-dollar', async () => {
    const dataSource = await connect();
    await dataSource.runMigrations();
    const database = new Database(dataSource);
    const keys = dataSource.getRepository(VirtualKey);
    const at = new Date('2026-11-23T12:34:56.789Z');
    const row = keys.create({
      id: '0190a5d0-0000-7000-8000-000000000000',
      secretHash: 'a'.repeat(64),
      keyName: 'sk-...abcd',
      maxBudgetNanoUsd: nanoUsd(9_007_199_254_740_993n),
      softBudgetNanoUsd: nanoUsd(0n),
      models: ['ü', "o'k"],
      metadata: { a: [1, null, { b: true }] },
      blocked: true,
      tpmLimit: 0,
      expiresAt: at,
      ...madeBy('me', at),
    });
    await keys.save(row);
    const [read] = await database.read((manager) => manager.find(VirtualKey));
    expect(read).toMatchObject({
      maxBudgetNanoUsd: 9_007_199_254_740_993n,
      softBudgetNanoUsd: 0n,
      models: ['ü', "o'k"],
      metadata: { a: [1, null, { b: true }] },
      blocked: true,
      tpmLimit: 0,
      rpmLimit: null,
      expiresAt: at,
      deletedAt: null,
    });
  });
});
