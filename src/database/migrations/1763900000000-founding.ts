import {
  type MigrationInterface,
  type QueryRunner,
  Table,
  type TableColumnOptions,
  TableIndex,
  TableUnique,
} from 'typeorm';

type Column = TableColumnOptions;

const text = (name: string, more: Partial<Column> = {}): Column => ({ name, type: 'varchar', ...more });
const id = (name: string): Column => text(name, { length: '36' });
const longText = (name: string): Column => ({ name, type: 'text' });
const integer = (name: string): Column => ({ name, type: 'integer' });
const bigint = (name: string): Column => ({ name, type: 'bigint' });
const optional = (column: Column): Column => ({ ...column, isNullable: true });
const primary = (column: Column): Column => ({ ...column, isPrimary: true });

const limits: Column[] = [
  optional(bigint('max_budget_nano_usd')),
  optional(bigint('soft_budget_nano_usd')),
  optional(text('budget_duration')),
  optional(bigint('budget_anchor')),
  optional(bigint('budget_since')),
  optional(longText('budget_limits')),
  optional(longText('model_max_budget')),
  optional(integer('tpm_limit')),
  optional(integer('rpm_limit')),
  optional(integer('max_parallel_requests')),
];

const authorship: Column[] = [
  bigint('created_at'),
  text('created_by'),
  bigint('updated_at'),
  text('updated_by'),
];

const party: Column[] = [
  ...limits,
  primary(id('id')),
  { name: 'blocked', type: 'boolean' },
  optional(longText('models')),
  optional(text('budget_id')),
  optional(longText('metadata')),
  optional(longText('extra')),
  ...authorship,
  optional(bigint('deleted_at')),
];

interface Plan {
  readonly name: string;
  readonly columns: Column[];
  readonly unique?: string[];
  readonly indexed?: string[];
}

const plans: Plan[] = [
  {
    name: 'virtual_keys',
    columns: [
      ...party,
      text('secret_hash', { length: '64' }),
      text('key_name'),
      optional(text('key_alias')),
      optional(text('user_id')),
      optional(text('team_id')),
      optional(text('organization_id')),
      optional(bigint('expires_at')),
      optional(longText('allowed_routes')),
      optional(longText('aliases')),
    ],
    unique: ['secret_hash'],
    indexed: ['key_alias', 'user_id', 'team_id', 'organization_id'],
  },
  {
    name: 'users',
    columns: [
      ...party,
      text('user_id'),
      optional(text('user_alias')),
      optional(text('user_email')),
      optional(text('user_role')),
      optional(text('sso_user_id')),
    ],
    unique: ['user_id'],
    indexed: ['user_email'],
  },
  {
    name: 'teams',
    columns: [
      ...party,
      text('team_id'),
      optional(text('team_alias')),
      optional(text('organization_id')),
      optional(longText('model_aliases')),
    ],
    unique: ['team_id'],
    indexed: ['organization_id'],
  },
  {
    name: 'members',
    columns: [...party, text('team_id'), text('user_id'), text('role')],
    indexed: ['user_id'],
  },
  {
    name: 'organizations',
    columns: [...party, text('organization_id'), text('organization_alias')],
    unique: ['organization_id'],
  },
  {
    name: 'end_users',
    columns: [
      ...party,
      text('user_id'),
      optional(text('alias')),
      optional(text('allowed_model_region')),
      optional(text('default_model')),
    ],
    unique: ['user_id'],
  },
  {
    name: 'budgets',
    columns: [
      ...limits,
      primary(id('id')),
      text('budget_id'),
      optional(longText('allowed_models')),
      ...authorship,
    ],
    unique: ['budget_id'],
  },
  {
    name: 'models',
    columns: [
      primary(text('model_id')),
      text('model_name'),
      longText('litellm_params'),
      optional(longText('sealed_params')),
      optional(longText('model_info')),
      ...authorship,
    ],
    indexed: ['model_name'],
  },
  {
    name: 'accounts',
    columns: [
      primary(text('id')),
      text('scope_kind'),
      text('scope_id'),
      text('window_id'),
      optional(bigint('window_start')),
      bigint('spent_nano_usd'),
      optional(bigint('held_nano_usd')),
    ],
  },
  {
    name: 'account_deltas',
    columns: [primary(id('id')), text('account_id'), bigint('amount_nano_usd')],
    indexed: ['account_id'],
  },
  {
    name: 'revisions',
    columns: [primary(text('subject')), bigint('revision'), bigint('changed_in'), bigint('changed_at')],
    indexed: ['changed_in'],
  },
  {
    name: 'replicas',
    columns: [primary(id('id')), bigint('started_at'), bigint('seen_at')],
  },
  {
    name: 'chains',
    columns: [
      primary(id('id')),
      ...['key_hash', 'key_alias', 'user_id', 'team_id', 'organization_id', 'end_user_id'].map((name) =>
        optional(text(name)),
      ),
    ],
    indexed: ['key_hash', 'user_id', 'team_id', 'organization_id', 'end_user_id'],
  },
  {
    name: 'postings',
    columns: [primary(id('chain_id')), primary(text('account_id'))],
    indexed: ['account_id'],
  },
  {
    name: 'ledger_entries',
    columns: [
      primary(id('id')),
      id('chain_id'),
      optional(id('replica_id')),
      text('state', { length: '8' }),
      optional(text('mark')),
      bigint('bound_nano_usd'),
      bigint('input_bound_nano_usd'),
      optional(bigint('cost_nano_usd')),
      text('request_id'),
      text('call_type'),
      text('model'),
      text('deployment_id'),
      text('provider'),
      optional(longText('usage')),
      bigint('opened_at'),
      optional(bigint('closed_at')),
    ],
    indexed: ['request_id', 'opened_at', 'chain_id'],
  },
];

/** The first schema: the same tables on SQLite and PostgreSQL. */
export class Founding1763900000000 implements MigrationInterface {
  name = 'Founding1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    const naming = runner.connection.namingStrategy;
    for (const { name, columns, unique = [], indexed = [] } of plans) {
      const table = new Table({ name, columns });
      table.uniques = unique.map(
        (column) =>
          new TableUnique({ name: naming.uniqueConstraintName(table, [column]), columnNames: [column] }),
      );
      table.indices = indexed.map(
        (column) => new TableIndex({ name: naming.indexName(table, [column]), columnNames: [column] }),
      );
      await runner.createTable(table);
    }
    const members = (await runner.getTable('members'))!;
    await runner.createIndex(
      members,
      new TableIndex({
        name: naming.indexName(members, ['team_id', 'user_id']),
        columnNames: ['team_id', 'user_id'],
        isUnique: true,
      }),
    );
    await runner.createIndex(
      'ledger_entries',
      new TableIndex({ name: 'ix_ledger_entries_open', columnNames: ['state'], where: "state = 'open'" }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const { name } of plans.toReversed()) await runner.dropTable(name);
  }
}
