import {
  type MigrationInterface,
  type QueryRunner,
  Table,
  type TableColumnOptions,
  TableIndex,
} from 'typeorm';
import { runFrozenSql } from './frozen-sql.js';

const FOLDER = '1766400000000-call-origins';
/** The functions as they were before. */
const FOLDER_BEFORE = '1766150000000-client-address';
const FUNCTIONS = ['tollgate_hold', 'tollgate_settle'];
/** None has a default: a table of any size gets them at once. */
const COLUMNS = ['session_id', 'trace_id', 'user_agent', 'originator', 'spend_logs_metadata', 'answer_id'];

const text = (name: string): TableColumnOptions => ({ name, type: 'varchar' });
const bigint = (name: string): TableColumnOptions => ({ name, type: 'bigint' });
const primary = (column: TableColumnOptions): TableColumnOptions => ({ ...column, isPrimary: true });

const DAYS = new Table({
  name: 'client_days',
  columns: [
    ...[
      { ...text('kind'), length: '16' },
      text('name'),
      bigint('day'),
      { ...text('chain_id'), length: '36' },
      { ...text('state'), length: '8' },
      text('call_type'),
      text('model'),
      text('provider'),
    ].map(primary),
    ...[
      'entries',
      'cost_nano_usd',
      'input_tokens',
      'output_tokens',
      'cached_input_tokens',
      'cache_write_tokens',
    ].map(bigint),
  ],
  indices: [new TableIndex({ name: 'ix_client_days', columnNames: ['kind', 'day'] })],
});

const NAMES = new Table({
  name: 'client_names',
  columns: [{ ...text('kind'), length: '16' }, bigint('day'), text('name')].map(primary),
});

/** Adds to calls who made them and the id of the answer, and sums of the calls of each client program per day. */
export class CallOrigins1766400000000 implements MigrationInterface {
  name = 'CallOrigins1766400000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const column of COLUMNS) {
      const type = column === 'spend_logs_metadata' ? 'text' : 'varchar';
      await runner.query(`ALTER TABLE ledger_entries ADD COLUMN ${column} ${type}`);
    }
    await runner.createTable(DAYS);
    await runner.createTable(NAMES);
    await runFrozenSql(runner, FOLDER, FUNCTIONS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runFrozenSql(runner, FOLDER_BEFORE, FUNCTIONS);
    await runner.dropTable('client_names');
    await runner.dropTable('client_days');
    for (const column of COLUMNS) await runner.query(`ALTER TABLE ledger_entries DROP COLUMN ${column}`);
  }
}
