import { DataSource, type DataSourceOptions, MigrationExecutor } from 'typeorm';
import { withoutTimeout } from './options.js';
import { migrationMessages } from './migration-messages.js';

/** The database was used by a newer version: this one does not know what its rows mean. */
export class NewerDatabaseError extends Error {
  constructor(names: readonly string[]) {
    super(
      `The database was brought up to date by a newer version of Tollgate (${names.join(', ')}). ` +
        'Start that version, or restore a backup from before it.',
    );
  }
}

/**
 * Brings the database up to date, each migration in a transaction of its own. Returns the names of those that were
 * applied, and what they tell whoever runs them. No statement timeout counts: an index on many rows takes its time.
 * Throws `NewerDatabaseError` before anything is changed.
 */
export async function migrated(
  options: DataSourceOptions,
): Promise<{ readonly applied: readonly string[]; readonly told: readonly string[] }> {
  // Migrations know no entity: preparing them takes a start 20 ms.
  const dataSource = await new DataSource({ ...withoutTimeout(options), entities: [] }).initialize();
  try {
    const known = new Set(dataSource.migrations.map(({ name }) => name));
    const newer = (await new MigrationExecutor(dataSource).getExecutedMigrations()).filter(
      ({ name }) => !known.has(name),
    );
    if (newer.length) throw new NewerDatabaseError(newer.map(({ name }) => name));
    const applied = await dataSource.runMigrations();
    return { applied: applied.map(({ name }) => name), told: migrationMessages(dataSource) };
  } finally {
    await dataSource.destroy();
  }
}
