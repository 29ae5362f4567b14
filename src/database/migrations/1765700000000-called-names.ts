import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

/** Counts the rows of end users and tags that calls make, per key and day. */
export class CalledNames1765700000000 implements MigrationInterface {
  name = 'CalledNames1765700000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'called_name_counts',
        columns: [
          { name: 'caller', type: 'varchar', isPrimary: true },
          { name: 'day', type: 'varchar', length: '10', isPrimary: true },
          { name: 'rows_made', type: 'integer' },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('called_name_counts');
  }
}
