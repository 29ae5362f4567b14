import type { Config } from '../config/config.js';
import { runMigrations } from '../database/run-migrations.js';
import { databaseOptions } from '../database-options.js';

/** Runs `tollgate migrate`: applies the missing migrations, each in a transaction of its own. */
export async function migrate(config: Config, say: (line: string) => void): Promise<void> {
  const { applied, messages } = await runMigrations(databaseOptions(config.databaseUrl, config.dataFolder));
  for (const name of applied) say(`Applied ${name}.`);
  for (const line of messages) say(line);
  say(applied.length ? 'The database is up to date now.' : 'The database is up to date.');
}
