import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { Config } from '../config/config.js';
import { lockFolder } from '../database/folder-lock.js';
import { NOW_MS } from '../database/now-ms.js';
import { databaseOptions } from '../database-options.js';

/**
 * Runs `tollgate new-installation`: gives a restored copy of a database its own id. Throws while a process uses the
 * database.
 */
export async function newInstallation(config: Config, say: (line: string) => void): Promise<void> {
  const lock = config.databaseUrl === undefined ? lockFolder(config.dataFolder) : undefined;
  try {
    const dataSource = await new DataSource(
      databaseOptions(config.databaseUrl, config.dataFolder),
    ).initialize();
    try {
      const before = await idOf(dataSource);
      await expectNobody(dataSource, config);
      const id = randomUUID();
      await dataSource.query(`UPDATE installation SET id = '${id}', made_at = ${Date.now()}`);
      say(`This database is installation ${id} now; it was ${before}.`);
    } finally {
      await dataSource.destroy();
    }
  } finally {
    lock?.release();
  }
}

async function idOf(dataSource: DataSource): Promise<string> {
  const runner = dataSource.createQueryRunner();
  try {
    if (await runner.hasTable('installation')) {
      const rows = (await runner.query('SELECT id FROM installation')) as { id: string }[];
      if (rows[0]) return rows[0].id;
    }
  } finally {
    await runner.release();
  }
  throw new Error(
    'The database has no installation id yet. Run `tollgate migrate`, or start Tollgate: either gives it one of its own.',
  );
}

/** Throws if a process runs: it would keep the id it started with. */
async function expectNobody(dataSource: DataSource, { general }: Config): Promise<void> {
  if (dataSource.options.type !== 'postgres') return;
  const [{ count }] = (await dataSource.query(
    `SELECT count(*)::int AS count FROM replicas WHERE seen_at > ${NOW_MS} - $1`,
    [general.replicaTimeoutMs],
  )) as [{ count: number }];
  if (!count) return;
  throw new Error(
    `${count} processes use this database, or did so within the last ${general.replicaTimeoutMs / 1_000} seconds. Stop them and try again: a process keeps the id it started with.`,
  );
}
