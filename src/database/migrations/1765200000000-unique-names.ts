import type { MigrationInterface, QueryRunner } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { foldedAddress } from '../../platform/folded-address.js';

/** A column whose values become unique among live rows, and what its rows are called. */
interface Unique {
  readonly index: string;
  readonly table: 'virtual_keys' | 'users';
  /** What must differ. */
  readonly column: string;
  /** What is taken from a double: the column as people know it. */
  readonly told: 'key_alias' | 'user_email' | 'sso_user_id';
  readonly where: string;
}

const LIVE = 'deleted_at IS NULL';

const UNIQUE: readonly Unique[] = [
  {
    index: 'live_key_alias',
    table: 'virtual_keys',
    column: 'key_alias',
    told: 'key_alias',
    where: `${LIVE} AND key_alias <> ''`,
  },
  { index: 'live_user_email', table: 'users', column: 'folded_email', told: 'user_email', where: LIVE },
  {
    index: 'live_sso_user_id',
    table: 'users',
    column: 'sso_user_id',
    told: 'sso_user_id',
    where: `${LIVE} AND sso_user_id <> ''`,
  },
];

const OBJECT = {
  virtual_keys: { id: 'secret_hash', team: 'team_id', title: 'Key', audited: 'LiteLLM_VerificationToken' },
  users: { id: 'user_id', team: 'NULL', title: 'User', audited: 'LiteLLM_UserTable' },
} as const;

/** A row whose value an earlier row has. */
interface Double {
  readonly id: string;
  readonly object_id: string;
  readonly team_id: string | null;
  readonly metadata: string | null;
  readonly value: string;
}

/**
 * Makes aliases of keys, addresses of users and `sso_user_id` unique among live rows. Of doubles the row that was made first
 * keeps the value. The others keep it in their metadata, as `<name>_set_aside`; the start and the audit log tell of each.
 */
export class UniqueNames1765200000000 implements MigrationInterface {
  name = 'UniqueNames1765200000000';

  /** One line for each value that was set aside. */
  readonly messages: string[] = [];

  async up(runner: QueryRunner): Promise<void> {
    this.messages.length = 0;
    // Nobody else makes a double between looking and the index.
    if (isPostgres(runner)) await runner.query('LOCK TABLE virtual_keys, users IN SHARE ROW EXCLUSIVE MODE');
    await runner.query('ALTER TABLE users ADD COLUMN folded_email varchar');
    await foldAddresses(runner);
    for (const unique of UNIQUE) {
      for (const double of await doublesIn(runner, unique))
        this.messages.push(await setAside(runner, unique, double));
      const { index, table, column, where } = unique;
      await runner.query(`CREATE UNIQUE INDEX "${index}" ON ${table} (${column}) WHERE ${where}`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const { index } of UNIQUE) await runner.query(`DROP INDEX "${index}"`);
    await runner.query('ALTER TABLE users DROP COLUMN folded_email');
  }
}

const isPostgres = ({ connection }: QueryRunner) => connection.options.type === 'postgres';

/** A statement with `?` for its parameters. */
const run = async <T>(runner: QueryRunner, sql: string, values: readonly unknown[] = []): Promise<T> => {
  let n = 0;
  const statement = isPostgres(runner) ? sql.replaceAll('?', () => `$${++n}`) : sql;
  return (await runner.query(statement, [...values])) as T;
};

/** Addresses in ASCII are folded by the database, the others here. */
async function foldAddresses(runner: QueryRunner): Promise<void> {
  const lowered = isPostgres(runner) ? 'LOWER(user_email COLLATE "C")' : 'LOWER(user_email)';
  await run(runner, `UPDATE users SET folded_email = ${lowered} WHERE user_email <> ''`);
  const bytes = isPostgres(runner) ? 'OCTET_LENGTH(user_email)' : 'LENGTH(CAST(user_email AS BLOB))';
  const others = await run<{ id: string; user_email: string }[]>(
    runner,
    `SELECT id, user_email FROM users WHERE ${bytes} <> LENGTH(user_email)`,
  );
  for (const { id, user_email } of others)
    await run(runner, 'UPDATE users SET folded_email = ? WHERE id = ?', [foldedAddress(user_email), id]);
}

function doublesIn(runner: QueryRunner, { table, column, told, where }: Unique): Promise<Double[]> {
  const { id, team } = OBJECT[table];
  return run(
    runner,
    `SELECT id, object_id, team_id, metadata, value FROM (
       SELECT id, ${id} AS object_id, ${team} AS team_id, metadata, ${told} AS value, ${column} AS compared,
         ROW_NUMBER() OVER (PARTITION BY ${column} ORDER BY created_at, id) AS place
       FROM ${table} WHERE ${where} AND ${column} IS NOT NULL
     ) AS live WHERE place > 1 ORDER BY compared, place`,
  );
}

/** Takes the value from a row, keeps it in the metadata, writes the audit log, and says so. */
async function setAside(
  runner: QueryRunner,
  { table, column, told }: Unique,
  double: Double,
): Promise<string> {
  const columns = [...new Set([column, told])].map((name) => `${name} = NULL`).join(', ');
  await run(runner, `UPDATE ${table} SET ${columns}, metadata = ? WHERE id = ?`, [
    withSetAside(double, told),
    double.id,
  ]);
  const { title, audited } = OBJECT[table];
  await run(
    runner,
    `INSERT INTO audit_entries (id, at, changed_by, action, table_name, object_id, team_id, before_value, updated_values)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      uuidv7(),
      Date.now(),
      'migration',
      'updated',
      audited,
      double.object_id,
      double.team_id,
      JSON.stringify({ [told]: double.value }),
      JSON.stringify({ [told]: null }),
    ],
  );
  return `${title} ${double.object_id}: ${told} ${JSON.stringify(double.value)} is an earlier one's, too. It has none now; its metadata keeps it as ${told}_set_aside.`;
}

/** Metadata that is no mapping stays as it is: the audit log still tells the value. */
function withSetAside({ metadata, value }: Double, told: string): string | null {
  try {
    const before: unknown = metadata === null ? {} : JSON.parse(metadata);
    if (typeof before !== 'object' || before === null || Array.isArray(before)) return metadata;
    return JSON.stringify({ ...before, [`${told}_set_aside`]: value });
  } catch {
    return metadata;
  }
}
