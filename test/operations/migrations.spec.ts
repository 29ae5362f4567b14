import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { authoredBy } from '../../src/database/authored-row.js';
import { Database } from '../../src/database/database.js';
import { databaseOptions } from '../../src/database-options.js';
import { migrationMessages } from '../../src/database/migration-messages.js';
import { VirtualKey } from '../../src/parties/entities/virtual-key.entity.js';
import { nanoUsd } from '../../src/policy/money.js';
import { freshPostgres, postgresIsThere } from '../harness/postgres.js';

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

  it.skipIf(skip)(
    'leave an alias, an address and a login id to the first, and tell who lost them',
    async () => {
      const dataSource = await connect();
      const all = dataSource.migrations.splice(0);
      dataSource.migrations.push(
        ...all.slice(
          0,
          all.findIndex(({ name }) => name!.startsWith('UniqueNames')),
        ),
      );
      await dataSource.runMigrations();
      const insert = (table: string, row: Record<string, string | number | null>) =>
      dataSource.query(
        `INSERT INTO ${table} (blocked, created_by, updated_at, updated_by, ${Object.keys(row).join(', ')})
         VALUES (false, 'me', 1, 'me', ${Object.values(row).map((value) => (typeof value === 'string' ? `'${value}'` : (value ?? 'NULL'))).join(', ')})`,
      ); // prettier-ignore
      const key = (id: string, created_at: number, more: Record<string, string | number | null> = {}) =>
        insert('virtual_keys', {
          id,
          secret_hash: `hash-${id}`,
          key_name: 'sk-',
          key_alias: 'ci',
          created_at,
          ...more,
        });
      const user = (id: string, created_at: number, more: Record<string, string | number | null> = {}) =>
        insert('users', { id, user_id: `user-${id}`, created_at, ...more });
      await key('b', 2, { metadata: '{"owner":"ops"}', team_id: 't' });
      await key('a', 2);
      await key('c', 1, { deleted_at: 5 });
      await key('d', 3, { metadata: '[1]' });
      await key('e', 3, { metadata: 'no json' });
      for (const id of ['f', 'g']) await key(id, 4, { key_alias: '' });
      for (const id of ['h', 'i']) await key(id, 4, { key_alias: null });
      await user('a', 1, { user_email: 'Mia@x.test', sso_user_id: 'sso' });
      await user('b', 2, { user_email: 'mia@X.test', sso_user_id: 'sso' });
      await user('c', 3, { user_email: 'E\u0301ve@x.test' });
      await user('d', 4, { user_email: '\u00c9VE@x.test' });
      await user('e', 5, { user_email: '\u00e9ve@x.test' });
      for (const id of ['f', 'g']) await user(id, 6, { user_email: '', sso_user_id: '' });
      await user('h', 0, { user_email: 'mia@x.test', deleted_at: 5 });

      dataSource.migrations.splice(0, Infinity, ...all);
      await dataSource.runMigrations();
      const rows = (sql: string) => dataSource.query<Record<string, unknown>[]>(sql);
      expect(await rows('SELECT id, key_alias, metadata FROM virtual_keys ORDER BY id')).toEqual([
        { id: 'a', key_alias: 'ci', metadata: null },
        { id: 'b', key_alias: null, metadata: '{"owner":"ops","key_alias_set_aside":"ci"}' },
        { id: 'c', key_alias: 'ci', metadata: null },
        { id: 'd', key_alias: null, metadata: '[1]' },
        { id: 'e', key_alias: null, metadata: 'no json' },
        ...['f', 'g'].map((id) => ({ id, key_alias: '', metadata: null })),
        ...['h', 'i'].map((id) => ({ id, key_alias: null, metadata: null })),
      ]);
      expect(await rows('SELECT id, user_email, folded_email, sso_user_id, metadata FROM users ORDER BY id')).toEqual([
      { id: 'a', user_email: 'Mia@x.test', folded_email: 'mia@x.test', sso_user_id: 'sso', metadata: null },
      { id: 'b', user_email: null, folded_email: null, sso_user_id: null, metadata: '{"user_email_set_aside":"mia@X.test","sso_user_id_set_aside":"sso"}' },
      { id: 'c', user_email: 'E\u0301ve@x.test', folded_email: '\u00c9ve@x.test', sso_user_id: null, metadata: null },
      { id: 'd', user_email: null, folded_email: null, sso_user_id: null, metadata: '{"user_email_set_aside":"\u00c9VE@x.test"}' },
      { id: 'e', user_email: '\u00e9ve@x.test', folded_email: '\u00e9ve@x.test', sso_user_id: null, metadata: null },
      ...['f', 'g'].map((id) => ({ id, user_email: '', folded_email: null, sso_user_id: '', metadata: null })),
      { id: 'h', user_email: 'mia@x.test', folded_email: 'mia@x.test', sso_user_id: null, metadata: null },
    ]); // prettier-ignore
      const doubles = ['hash-b: key_alias "ci"', 'hash-d: key_alias "ci"', 'hash-e: key_alias "ci"', 'user-b: user_email "mia@X.test"', 'user-d: user_email "\u00c9VE@x.test"', 'user-b: sso_user_id "sso"']; // prettier-ignore
      const messages = migrationMessages(dataSource);
      expect(messages).toHaveLength(doubles.length);
      doubles.forEach((what, i) => expect(messages[i]).toContain(what));
      const audit = await rows(
        'SELECT object_id, action, changed_by, team_id, before_value, updated_values FROM audit_entries ORDER BY id',
      );
      expect(audit).toHaveLength(doubles.length);
      expect(audit[0]).toEqual({
        object_id: 'hash-b',
        action: 'updated',
        changed_by: 'migration',
        team_id: 't',
        before_value: '{"key_alias":"ci"}',
        updated_values: '{"key_alias":null}',
      });
    },
  );

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
      ...authoredBy('me', at),
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
