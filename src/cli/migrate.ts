import type { Config } from '../config/config.js';
import { migrated } from '../database/migrated.js';
import { databaseOptions } from '../database-options.js';

/** Runs `tollgate migrate`: applies the missing migrations, each in a transaction of its own. */
export async function migrate(config: Config, say: (line: string) => void): Promise<void> {
  const { applied, told } = await migrated(databaseOptions(config.databaseUrl, config.dataFolder));
  for (const name of applied) say(`Applied ${name}.`);
  for (const line of told) say(line);
  say(applied.length ? 'The database is up to date now.' : 'The database is up to date.');
}
