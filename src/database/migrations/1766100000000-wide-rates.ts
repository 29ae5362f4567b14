import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = ['virtual_keys', 'users', 'teams', 'members', 'organizations', 'end_users', 'tags', 'budgets'];
const COLUMNS = ['tpm_limit', 'rpm_limit'];
const MAX_INTEGER = 2_147_483_647;

/** Gives rates per minute 64 bits, as in LiteLLM. */
export class WideRates1766100000000 implements MigrationInterface {
  name = 'WideRates1766100000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await changeType(runner, table, 'bigint', (column) => column);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES)
      await changeType(
        runner,
        table,
        'integer',
        (column) => `CASE WHEN ${column} > ${MAX_INTEGER} THEN ${MAX_INTEGER} ELSE ${column} END`,
      );
  }
}

async function changeType(
  runner: QueryRunner,
  table: string,
  type: string,
  valueOf: (column: string) => string,
): Promise<void> {
  if (runner.connection.options.type === 'postgres') {
    const changes = COLUMNS.map((column) => `ALTER COLUMN ${column} TYPE ${type} USING ${valueOf(column)}`);
    await runner.query(`ALTER TABLE ${table} ${changes.join(', ')}`);
    return;
  }
  for (const column of COLUMNS) {
    await runner.query(`ALTER TABLE ${table} ADD COLUMN new_${column} ${type}`);
    await runner.query(`UPDATE ${table} SET new_${column} = ${valueOf(column)} WHERE ${column} IS NOT NULL`);
    await runner.query(`ALTER TABLE ${table} DROP COLUMN ${column}`);
    await runner.query(`ALTER TABLE ${table} RENAME COLUMN new_${column} TO ${column}`);
  }
}
