import pg from 'pg';

const ROWS_AT_ONCE = 500;
const CONNECT_TIMEOUT_MS = 3_000;

/** An instant that no `Date` can be: infinite, before Christ, after the year 9999. */
export class InvalidInstantError {
  constructor(readonly text: string) {}
}

/** The rows of a table nothing is taken from. */
export interface OtherRows {
  /** Absent: the table cannot be read. */
  readonly rows: number | undefined;
  readonly ids: readonly string[];
  readonly why?: string;
}

/** A row as LiteLLM keeps it, by the names of its columns. */
export type LitellmRow = Readonly<Record<string, unknown>>;

/** LiteLLM's PostgreSQL database: one snapshot, read only. */
export class LitellmDatabase {
  private constructor(
    private readonly client: pg.Client,
    /** The first column of each of its tables. */
    private readonly tables: ReadonlyMap<string, string>,
  ) {}

  /** Throws when it cannot be reached, or is none of LiteLLM's. */
  static async open(url: string): Promise<LitellmDatabase> {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'tollgate import-litellm',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      types: { getTypeParser },
    });
    // Without a listener a connection that breaks would end the process; the statement under way rejects as well.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
      // Between two batches everything of the last one is written, and a big table takes its time.
      await client.query(
        'SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0',
      );
      const schema = schemaIn(url);
      await client.query(`SELECT set_config('search_path', $1, true)`, [client.escapeIdentifier(schema)]);
      const { rows } = await client.query<{ name: string; id: string }>(
        `SELECT table_name AS name, column_name AS id FROM information_schema.columns
         WHERE table_schema = $1 AND table_name LIKE 'LiteLLM\\_%' AND ordinal_position = 1 ORDER BY table_name`,
        [schema],
      );
      const tables = new Map(rows.map(({ name, id }) => [name, id]));
      if (!tables.has('LiteLLM_VerificationToken'))
        throw new Error(`it has no table "LiteLLM_VerificationToken" in schema ${schema}`);
      return new LitellmDatabase(client, tables);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw new Error(`LiteLLM's database cannot be read: ${(error as Error).message}`, { cause: error });
    }
  }

  get tableNames(): readonly string[] {
    return [...this.tables.keys()];
  }

  has(table: string): boolean {
    return this.tables.has(table);
  }

  /** How many rows a query answers. */
  count(query: string): Promise<number> {
    return this.countOf(`(${query}) AS rows`);
  }

  /** How many rows a table has, and what names them if `named`: its first column. A table that cannot be read says why. */
  async rowsOf(table: string, named: boolean): Promise<OtherRows> {
    await this.client.query('SAVEPOINT other_table');
    try {
      const rows = await this.countOf(this.client.escapeIdentifier(table));
      return { rows, ids: named && rows ? await this.ids(table) : [] };
    } catch (error) {
      await this.client.query('ROLLBACK TO SAVEPOINT other_table');
      return { rows: undefined, ids: [], why: (error as Error).message };
    }
  }

  private async countOf(from: string): Promise<number> {
    const { rows } = await this.client.query<{ count: number }>(`SELECT count(*) AS count FROM ${from}`);
    return rows[0]!.count;
  }

  /** What a query answers, a batch at a time. */
  async *batches(query: string): AsyncGenerator<readonly LitellmRow[]> {
    await this.client.query(`DECLARE litellm_rows NO SCROLL CURSOR FOR ${query}`);
    for (let count = ROWS_AT_ONCE; count === ROWS_AT_ONCE;) {
      const { rows } = await this.client.query<LitellmRow>(`FETCH ${ROWS_AT_ONCE} FROM litellm_rows`);
      if (rows.length) yield rows;
      count = rows.length;
    }
    await this.client.query('CLOSE litellm_rows');
  }

  private async ids(table: string): Promise<string[]> {
    const column = this.client.escapeIdentifier(this.tables.get(table)!);
    const { rows } = await this.client.query<{ id: string }>(
      `SELECT CAST(${column} AS text) AS id FROM ${this.client.escapeIdentifier(table)} ORDER BY 1`,
    );
    return rows.map(({ id }) => id);
  }

  close(): Promise<void> {
    return this.client.end();
  }
}

/** Prisma's parameter of the same name. */
const schemaIn = (url: string) => new URL(url).searchParams.get('schema') ?? 'public';

const BIGINT = 20;
const TIMESTAMP = 1114;
const TIMESTAMP_WITH_ZONE = 1184;
const INSTANT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d(?::?\d\d)?)?$/;

/** Prisma keeps instants as UTC in columns without a time zone. */
function instantIn(text: string): Date | InvalidInstantError {
  const [, day, time, zone = 'Z'] = INSTANT.exec(text) ?? [];
  const instant = new Date(`${day}T${time}${zone.length === 3 ? `${zone}:00` : zone}`);
  return Number.isNaN(instant.getTime()) ? new InvalidInstantError(text) : instant;
}

function getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
  if (oid === TIMESTAMP || oid === TIMESTAMP_WITH_ZONE) return instantIn;
  if (oid === BIGINT) return Number;
  return pg.types.getTypeParser(oid, format as 'text');
}
