import type { MigrationInterface, QueryRunner } from 'typeorm';
import { runFrozenSql } from './frozen-sql.js';

const FOLDER = '1766150000000-client-address';
const TABLES = ['ledger_entries', 'audit_entries'];

/** Adds the IP address of the client to calls and to changes by admins. Null: unknown, or not stored. */
export class ClientAddress1766150000000 implements MigrationInterface {
  name = 'ClientAddress1766150000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES)
      await runner.query(`ALTER TABLE ${table} ADD COLUMN client_address varchar(45)`);
    await runFrozenSql(runner, FOLDER, ['tollgate_hold', 'tollgate_settle']);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runFrozenSql(runner, FOLDER, ['before/tollgate_hold', 'before/tollgate_settle']);
    for (const table of TABLES) await runner.query(`ALTER TABLE ${table} DROP COLUMN client_address`);
  }
}
