import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

const NAME = 'access_groups';

/** Models under one name. */
export class AccessGroups1764800000000 implements MigrationInterface {
  name = 'AccessGroups1764800000000';

  async up(runner: QueryRunner): Promise<void> {
    const text = (name: string) => ({ name, type: 'varchar' });
    const json = (name: string) => ({ name, type: 'text' });
    const instant = (name: string) => ({ name, type: 'bigint' });
    await runner.createTable(
      new Table({
        name: NAME,
        columns: [
          { ...text('id'), length: '36', isPrimary: true },
          { ...text('name'), isUnique: true },
          { ...json('description'), isNullable: true },
          json('models'),
          json('deployment_ids'),
          json('mcp_server_ids'),
          json('agent_ids'),
          json('team_ids'),
          json('key_ids'),
          instant('created_at'),
          text('created_by'),
          instant('updated_at'),
          text('updated_by'),
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable(NAME);
  }
}
