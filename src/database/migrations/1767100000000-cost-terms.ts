import type { MigrationInterface, QueryRunner } from 'typeorm';
import { runFrozenSql } from './frozen-sql.js';

const FOLDER = '1767100000000-cost-terms';
/** The function as it was before. */
const FOLDER_BEFORE = '1766600000000-clamps';
const FUNCTIONS = ['tollgate_settle'];

/** Adds settings that admins change at runtime, and the discount and margin of a call's cost. Null: it had neither. */
export class CostTerms1767100000000 implements MigrationInterface {
  name = 'CostTerms1767100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE settings (name varchar NOT NULL PRIMARY KEY, value text NOT NULL,
        created_at bigint NOT NULL, created_by varchar NOT NULL, updated_at bigint NOT NULL, updated_by varchar NOT NULL)`,
    );
    await runner.query('ALTER TABLE ledger_entries ADD COLUMN cost_terms text');
    await runFrozenSql(runner, FOLDER, FUNCTIONS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runFrozenSql(runner, FOLDER_BEFORE, FUNCTIONS);
    await runner.query('ALTER TABLE ledger_entries DROP COLUMN cost_terms');
    await runner.query('DROP TABLE settings');
  }
}
