import { readFileSync } from 'node:fs';
import type { QueryRunner } from 'typeorm';

/**
 * Runs files of a migration's folder in PostgreSQL: copies of functions as they were when the migration was written.
 * The files in `sql/` folders change later; these never do.
 */
export async function runFrozenSql(
  runner: QueryRunner,
  folder: string,
  names: readonly string[],
): Promise<void> {
  if (runner.connection.options.type !== 'postgres') return;
  for (const name of names)
    await runner.query(readFileSync(new URL(`${folder}/${name}.sql`, import.meta.url), 'utf8'));
}
