import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = ['virtual_keys', 'teams'];

/** Adds the status of a budget's permanent refusal to keys and teams. Null: as configured. */
export class BudgetExceededStatus1766650000000 implements MigrationInterface {
  name = 'BudgetExceededStatus1766650000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES)
      await runner.query(`ALTER TABLE ${table} ADD COLUMN budget_exceeded_status integer`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.query(`ALTER TABLE ${table} DROP COLUMN budget_exceeded_status`);
  }
}
