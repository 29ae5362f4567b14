import {
  type MigrationInterface,
  type QueryRunner,
  Table,
  TableIndex,
  type TableColumnOptions,
} from 'typeorm';

const text = (name: string): TableColumnOptions => ({ name, type: 'varchar' });
const bigint = (name: string): TableColumnOptions => ({ name, type: 'bigint' });

const SUMMED = [
  'entries',
  'cost_nano_usd',
  'input_tokens',
  'output_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
];

const PROGRESS = new Table({
  name: 'activity_progress',
  columns: [{ ...text('name'), isPrimary: true }, bigint('until')],
});

/** Sums per day for reports, beside the ledger. What was folded into `ledger_days` is in them from the start, without its tags. */
export class Activity1764900000000 implements MigrationInterface {
  name = 'Activity1764900000000';

  async up(runner: QueryRunner): Promise<void> {
    const table = new Table({
      name: 'activity_days',
      columns: [
        ...[
          text('tag'),
          bigint('day'),
          { ...text('chain_id'), length: '36' },
          { ...text('state'), length: '8' },
          text('call_type'),
          text('model'),
          text('provider'),
        ].map((column) => ({ ...column, isPrimary: true })),
        ...SUMMED.map(bigint),
      ],
    });
    const name = runner.connection.namingStrategy.indexName(table, ['chain_id', 'day']);
    table.indices = [
      new TableIndex({ name, columnNames: ['chain_id', 'day'] }),
      new TableIndex({ name: 'ix_activity_days_tagged', columnNames: ['day'], where: "tag <> ''" }),
    ];
    await runner.createTable(table);
    await runner.createTable(PROGRESS);
    await runner.query(`INSERT INTO activity_progress (name, until) VALUES ('summed', 0)`);
    await runner.query(
      `INSERT INTO activity_days (tag, day, chain_id, state, call_type, model, provider, ${SUMMED.join(', ')})
       SELECT '', day, chain_id, state, call_type, model, provider, ${SUMMED.map((sum) => `sum(${sum})`).join(', ')}
       FROM ledger_days WHERE model <> '' GROUP BY 2, 3, 4, 5, 6, 7`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('activity_progress');
    await runner.dropTable('activity_days');
  }
}
