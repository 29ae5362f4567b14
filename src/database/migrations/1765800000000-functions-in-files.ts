import type { MigrationInterface, QueryRunner } from 'typeorm';
import { runFrozenSql } from './frozen-sql.js';

const FOLDER = '1765800000000-functions-in-files';

/**
 * Replaces PostgreSQL's functions by the same ones formatted and commented for reading. One thing changes: `tollgate_lease`
 * has an advisory lock of its own; it had the one of the retention job.
 */
export class FunctionsInFiles1765800000000 implements MigrationInterface {
  name = 'FunctionsInFiles1765800000000';

  async up(runner: QueryRunner): Promise<void> {
    await runFrozenSql(runner, FOLDER, [
      'tollgate_hold',
      'tollgate_settle',
      'tollgate_pass',
      'tollgate_count_holds',
      'tollgate_fold',
      'tollgate_abandon',
      'tollgate_lease',
    ]);
  }

  /** Restores the text of `tollgate_hold` only: earlier migrations undo themselves by replacing parts of it. */
  async down(runner: QueryRunner): Promise<void> {
    await runFrozenSql(runner, FOLDER, ['before/tollgate_hold']);
  }
}
