import { type MigrationInterface, type QueryRunner, Table, TableIndex } from 'typeorm';

const NAME = 'organization_members';

/** Who is in an organization, and as what. */
export class OrganizationMembers1764100000000 implements MigrationInterface {
  name = 'OrganizationMembers1764100000000';

  async up(runner: QueryRunner): Promise<void> {
    const text = (name: string) => ({ name, type: 'varchar' });
    const instant = (name: string) => ({ name, type: 'bigint' });
    const table = new Table({
      name: NAME,
      columns: [
        { ...text('organization_id'), isPrimary: true },
        { ...text('user_id'), isPrimary: true },
        text('role'),
        instant('created_at'),
        text('created_by'),
        instant('updated_at'),
        text('updated_by'),
      ],
    });
    const naming = runner.connection.namingStrategy;
    table.indices = [
      new TableIndex({ name: naming.indexName(table, ['user_id']), columnNames: ['user_id'] }),
    ];
    await runner.createTable(table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable(NAME);
  }
}
