import pg from 'pg';

const ROWS_AT_ONCE = 500;
const CONNECT_TIMEOUT_MS = 3_000;

/** An instant that no `Date` can hold: infinite, before Christ, or after the year 9999. */
export class InvalidInstantError {
  constructor(readonly text: string) {}
}

/** The rows of a table that is not imported. */
export interface OtherRows {
  /** Absent if the table cannot be read. */
  readonly rows: number | undefined;
  readonly ids: readonly string[];
  readonly why?: string;
}

/** A row as LiteLLM stores it, by the names of its columns. */
export type LitellmRow = Readonly<Record<string, unknown>>;

/** LiteLLM's PostgreSQL database, read in one read-only snapshot. */
export class LitellmDatabase {
  private constructor(
    private readonly client: pg.Client,
    /** The first column of each table, by table. */
    private readonly tables: ReadonlyMap<string, string>,
  ) {}

  /** Opens the database. Throws if it cannot be reached or is not LiteLLM's. */
  static async open(url: string): Promise<LitellmDatabase> {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'tollgate import-litellm',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      types: { getTypeParser },
    });
    // Without a listener, a broken connection would end the process. The running statement rejects as well.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
      // The import writes a whole batch between two fetches, and a large table takes long. Both timeouts would end it.
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

  /** Returns the number of rows of a query. */
  count(query: string): Promise<number> {
    return this.countOf(`(${query}) AS rows`);
  }

  /**
   * Returns the number of rows of a table and, if `named`, their ids from its first column. For an unreadable table it
   * returns the reason.
   */
  async rowsOf(table: string, withIds: boolean): Promise<OtherRows> {
    await this.client.query('SAVEPOINT other_table');
    try {
      const rows = await this.countOf(this.client.escapeIdentifier(table));
      return { rows, ids: withIds && rows ? await this.ids(table) : [] };
    } catch (error) {
      await this.client.query('ROLLBACK TO SAVEPOINT other_table');
      return { rows: undefined, ids: [], why: (error as Error).message };
    }
  }

  private async countOf(from: string): Promise<number> {
    const { rows } = await this.client.query<{ count: number }>(`SELECT count(*) AS count FROM ${from}`);
    return rows[0]!.count;
  }

  /** Yields the rows of a query in batches. */
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

/** Returns the schema from the URL, in Prisma's parameter of that name. */
const schemaIn = (url: string) => new URL(url).searchParams.get('schema') ?? 'public';

const BIGINT = 20;
const TIMESTAMP = 1114;
const TIMESTAMP_WITH_ZONE = 1184;
const INSTANT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d(?::?\d\d)?)?$/;

/** Parses an instant. Prisma stores instants as UTC in columns without a time zone. */
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
