import {
  type MigrationInterface,
  type QueryRunner,
  Table,
  type TableColumnOptions,
  TableUnique,
} from 'typeorm';
import { HOLD, SETTLE } from './1764000000000-shared-money.js';

type Change = readonly [before: string, after: string];

/** `tollgate_hold` writes the names of a call's tags into its entry. */
const HOLD_CHANGES: readonly Change[] = [
  ['request_id, call_type, model, deployment_id, provider, opened_at)', 'request_id, call_type, model, deployment_id, provider, request_tags, opened_at)'],
  ['q.deployment_id, q.provider, (extract', 'q.deployment_id, q.provider, q.request_tags, (extract'],
  ['deployment_id text, provider text)', 'deployment_id text, provider text, request_tags text)'],
]; // prettier-ignore

/** `tollgate_settle` gives a correcting entry the tags of the one it corrects. */
const SETTLE_CHANGES: readonly Change[] = [
  ['e.request_id, e.model, e.deployment_id, e.provider,', 'e.request_id, e.model, e.deployment_id, e.provider, e.request_tags,'],
  ['request_id, call_type, model, deployment_id, provider, opened_at, closed_at)', 'request_id, call_type, model, deployment_id, provider, request_tags, opened_at, closed_at)'],
  ['due.deployment_id, due.provider,', 'due.deployment_id, due.provider, due.request_tags,'],
]; // prettier-ignore

const text = (name: string): TableColumnOptions => ({ name, type: 'varchar' });
const bigint = (name: string): TableColumnOptions => ({ name, type: 'bigint' });
const optional = (column: TableColumnOptions): TableColumnOptions => ({ ...column, isNullable: true });
const longText = (name: string) => optional({ name, type: 'text' });
const integer = (name: string) => optional({ name, type: 'integer' });

/** Tags with limits of their own, and which tags a call had. */
export class Tags1764400000000 implements MigrationInterface {
  name = 'Tags1764400000000';

  async up(runner: QueryRunner): Promise<void> {
    const table = new Table({
      name: 'tags',
      columns: [
        ...['max_budget_nano_usd', 'soft_budget_nano_usd'].map((name) => optional(bigint(name))),
        optional(text('budget_duration')),
        ...['budget_anchor', 'budget_since'].map((name) => optional(bigint(name))),
        ...['budget_limits', 'model_max_budget'].map(longText),
        ...['tpm_limit', 'rpm_limit', 'max_parallel_requests'].map(integer),
        { ...text('id'), length: '36', isPrimary: true },
        { name: 'blocked', type: 'boolean' },
        longText('models'),
        optional(text('budget_id')),
        ...['metadata', 'extra'].map(longText),
        bigint('created_at'),
        text('created_by'),
        bigint('updated_at'),
        text('updated_by'),
        optional(bigint('deleted_at')),
        text('name'),
        longText('description'),
      ],
    });
    const name = runner.connection.namingStrategy.uniqueConstraintName(table, ['name']);
    table.uniques = [new TableUnique({ name, columnNames: ['name'] })];
    await runner.createTable(table);

    await runner.query('ALTER TABLE ledger_entries ADD COLUMN request_tags text');
    await runner.query(
      'CREATE INDEX ix_ledger_entries_tagged ON ledger_entries (opened_at) WHERE request_tags IS NOT NULL',
    );
    if (runner.connection.options.type !== 'postgres') return;
    await runner.query(replacing(changed(HOLD, HOLD_CHANGES)));
    await runner.query(replacing(changed(SETTLE, SETTLE_CHANGES)));
  }

  async down(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type === 'postgres')
      for (const sql of [HOLD, SETTLE]) await runner.query(replacing(sql));
    await runner.query('DROP INDEX ix_ledger_entries_tagged');
    await runner.query('ALTER TABLE ledger_entries DROP COLUMN request_tags');
    await runner.dropTable('tags');
  }
}

const replacing = (sql: string) => sql.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION');

function changed(sql: string, changes: readonly Change[]): string {
  return changes.reduce((now, [before, after]) => {
    if (now.split(before).length !== 2) throw new Error(`not in the function exactly once: ${before}`);
    return now.replace(before, after);
  }, sql);
}
