import { type MigrationInterface, type QueryRunner, Table, TableIndex } from 'typeorm';

const INDEXED = ['at', 'changed_by', 'request_id', 'object_id', 'team_id'];

/** Who changed what, and when. */
export class Audit1764700000000 implements MigrationInterface {
  name = 'Audit1764700000000';

  async up(runner: QueryRunner): Promise<void> {
    const table = new Table({
      name: 'audit_entries',
      columns: [
        { name: 'id', type: 'varchar', length: '36', isPrimary: true },
        { name: 'at', type: 'bigint' },
        { name: 'changed_by', type: 'varchar' },
        { name: 'key_hash', type: 'varchar', isNullable: true },
        { name: 'request_id', type: 'varchar', isNullable: true },
        { name: 'action', type: 'varchar' },
        { name: 'table_name', type: 'varchar' },
        { name: 'object_id', type: 'varchar' },
        { name: 'team_id', type: 'varchar', isNullable: true },
        { name: 'before_value', type: 'text', isNullable: true },
        { name: 'updated_values', type: 'text', isNullable: true },
      ],
    });
    table.indices = INDEXED.map((column) => {
      const name = runner.connection.namingStrategy.indexName(table, [column]);
      return new TableIndex({ name, columnNames: [column] });
    });
    await runner.createTable(table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('audit_entries');
  }
}
