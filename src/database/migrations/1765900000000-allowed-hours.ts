import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = ['virtual_keys', 'teams', 'users'];

/** Adds the hours in which keys, teams and users may call. Null: any time. */
export class AllowedHours1765900000000 implements MigrationInterface {
  name = 'AllowedHours1765900000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.query(`ALTER TABLE ${table} ADD COLUMN allowed_hours text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.query(`ALTER TABLE ${table} DROP COLUMN allowed_hours`);
  }
}
