import { type MigrationInterface, type QueryRunner, Table, TableIndex } from 'typeorm';

/** What was told to a webhook, and what still has to be. */
export class Alerts1764300000000 implements MigrationInterface {
  name = 'Alerts1764300000000';

  async up(runner: QueryRunner): Promise<void> {
    const table = new Table({
      name: 'alerts',
      columns: [
        { name: 'id', type: 'varchar', isPrimary: true },
        { name: 'body', type: 'text' },
        { name: 'created_at', type: 'bigint' },
        { name: 'attempts', type: 'integer' },
        { name: 'due_at', type: 'bigint', isNullable: true },
      ],
    });
    const name = runner.connection.namingStrategy.indexName(table, ['due_at']);
    table.indices = [new TableIndex({ name, columnNames: ['due_at'] })];
    await runner.createTable(table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('alerts');
  }
}
