import { randomUUID } from 'node:crypto';
import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

/** Gives the database an id of its own. What is kept in a Redis is named after it. */
export class Installation1765100000000 implements MigrationInterface {
  name = 'Installation1765100000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'installation',
        columns: [
          { name: 'id', type: 'varchar', length: '36', isPrimary: true },
          { name: 'made_at', type: 'bigint' },
        ],
      }),
    );
    // Both values are made here and hold nothing that would have to be escaped.
    await runner.query(`INSERT INTO installation (id, made_at) VALUES ('${randomUUID()}', ${Date.now()})`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('installation');
  }
}
