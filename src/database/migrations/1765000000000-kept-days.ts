import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

const NAME = 'kept_days';

/** Everybody's daily activity, as it is told. Empty at first: it is made in the background, earliest day first. */
export class KeptDays1765000000000 implements MigrationInterface {
  name = 'KeptDays1765000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: NAME,
        columns: [
          { name: 'entity', type: 'varchar', isPrimary: true },
          { name: 'day', type: 'bigint', isPrimary: true },
          { name: 'sums', type: 'text' },
          { name: 'breakdown', type: 'text' },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable(NAME);
  }
}
