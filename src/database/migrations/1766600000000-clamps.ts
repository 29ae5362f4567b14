import type { MigrationInterface, QueryRunner } from 'typeorm';
import { runFrozenSql } from './frozen-sql.js';

const FOLDER = '1766600000000-clamps';
/** The function as it was before. */
const FOLDER_BEFORE = '1766400000000-call-origins';
const FUNCTIONS = ['tollgate_settle'];

/** Adds how the output limit of a call was lowered. Null: it was not, or the call was made before. */
export class Clamps1766600000000 implements MigrationInterface {
  name = 'Clamps1766600000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE ledger_entries ADD COLUMN clamp text');
    await runFrozenSql(runner, FOLDER, FUNCTIONS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runFrozenSql(runner, FOLDER_BEFORE, FUNCTIONS);
    await runner.query('ALTER TABLE ledger_entries DROP COLUMN clamp');
  }
}
