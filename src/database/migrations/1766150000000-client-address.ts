import type { MigrationInterface, QueryRunner } from 'typeorm';
import { runFrozenSql } from './frozen-sql.js';

const FOLDER = '1766150000000-client-address';
/** The functions as they were before. */
const FOLDER_BEFORE = '1765800000000-functions-in-files';
const FUNCTIONS = ['tollgate_hold', 'tollgate_settle'];
const TABLES = ['ledger_entries', 'audit_entries'];

/** Adds the IP address of the client to calls and to changes by admins. Null: unknown, or not stored. */
export class ClientAddress1766150000000 implements MigrationInterface {
  name = 'ClientAddress1766150000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES)
      await runner.query(`ALTER TABLE ${table} ADD COLUMN client_address varchar(45)`);
    await runFrozenSql(runner, FOLDER, FUNCTIONS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runFrozenSql(runner, FOLDER_BEFORE, FUNCTIONS);
    for (const table of TABLES) await runner.query(`ALTER TABLE ${table} DROP COLUMN client_address`);
  }
}
