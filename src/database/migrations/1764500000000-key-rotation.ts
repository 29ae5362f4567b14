import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

const KEYS = 'virtual_keys';

/** A key's secret can be replaced; the one before may work for a while. */
export class KeyRotation1764500000000 implements MigrationInterface {
  name = 'KeyRotation1764500000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const column of [
      'former_secret_hash varchar(64)',
      'former_ends_at bigint',
      'rotation_count integer NOT NULL DEFAULT 0',
      'last_rotated_at bigint',
    ])
      await runner.query(`ALTER TABLE ${KEYS} ADD COLUMN ${column}`);
    await runner.query(`CREATE INDEX "${indexOfFormer(runner)}" ON ${KEYS} (former_secret_hash)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX "${indexOfFormer(runner)}"`);
    for (const column of ['former_secret_hash', 'former_ends_at', 'rotation_count', 'last_rotated_at'])
      await runner.query(`ALTER TABLE ${KEYS} DROP COLUMN ${column}`);
  }
}

const indexOfFormer = ({ connection }: QueryRunner) =>
  connection.namingStrategy.indexName(new Table({ name: KEYS }), ['former_secret_hash']);
