import { DataSource } from 'typeorm';
import type { Config } from '../config/config.js';
import { databaseOptions } from '../database/options.js';
import { toldByMigrations } from '../database/told-by-migrations.js';

/** `tollgate migrate`: applies what migrations are missing, each in a transaction of its own. */
export async function migrate(config: Config, say: (line: string) => void): Promise<void> {
  const dataSource = await new DataSource(
    databaseOptions(config.databaseUrl, config.dataFolder),
  ).initialize();
  try {
    const applied = await dataSource.runMigrations();
    for (const { name } of applied) say(`Applied ${name}.`);
    for (const line of toldByMigrations(dataSource)) say(line);
    say(applied.length ? 'The database is up to date now.' : 'The database is up to date.');
  } finally {
    await dataSource.destroy();
  }
}
