import type { Socket } from 'node:net';
import pg from 'pg';

interface PostgresClientConfig extends pg.ClientConfig {
  /** The server's limit for one statement. 0: none. Absent: the server's own setting. */
  readonly statementTimeoutMs?: number;
}

type Callback = (error: Error | null, result?: unknown) => void;
type Value = string | number | bigint | boolean | null | readonly (string | number)[];

const BEGIN = /^\s*(?:BEGIN|START\s+TRANSACTION)\b/i;
const END = /^\s*(?:COMMIT|END|ROLLBACK(?!\s+TO)|ABORT)\b/i;

/**
 * A connection to PostgreSQL. If it is lost, its user gets an error and the process continues.
 * It works behind a pooler that uses another server session per transaction (PgBouncer, `pool_mode = transaction`).
 * Then no statement is prepared by name, and the statement timeout is set inside each transaction. A pooler is
 * detected by its process number, which differs from the server's.
 */
export class PostgresClient extends pg.Client {
  private pooled = false;
  private inTransaction = false;
  private readonly statementTimeoutMs: number | undefined;

  constructor(config?: PostgresClientConfig) {
    super(config);
    this.statementTimeoutMs = config?.statementTimeoutMs;
    // pg-pool and TypeORM listen only part of the time. An `error` event without a listener ends the process.
    this.on('error', () => {});
  }

  /** True if a pooler is between this process and the server. Known after `connect`. */
  get isPooled(): boolean {
    return this.pooled;
  }

  // pg's overloads cannot be repeated here. Arguments and results of the next two are pg's own.
  override connect(callback?: unknown): never {
    return deliver(
      callback as Callback | undefined,
      super.connect().then(() => this.detectPooler()),
    ) as never;
  }

  override query(...args: unknown[]): never {
    return (this.pooled ? this.pooledQuery(args) : this.plainQuery(args)) as never;
  }

  /**
   * Runs one statement as one transaction. It is one message, so its locks never wait for this process. `name`: the
   * name of the prepared statement, without a pooler.
   */
  async runAlone<T extends pg.QueryResultRow>(
    name: string,
    text: string,
    values: readonly Value[],
  ): Promise<T[]> {
    if (!this.pooled) return (await this.plainQuery<T>([{ name, text, values: [...values] }])).rows;
    const statement = text.replaceAll(/\$(\d+)/g, (_, at: string) => literal(values[Number(at) - 1]!));
    const results = (await this.plainQuery<T>([`${this.localTimeout()}; ${statement}`])) as unknown;
    return (results as pg.QueryResult<T>[]).at(-1)!.rows;
  }

  /** Detects a pooler. Without one, sets the timeout for the session. */
  private async detectPooler(): Promise<pg.Client> {
    const { processID } = this as unknown as { readonly processID: number };
    const { rows } = await this.plainQuery<{ pid: number }>([
      `SELECT pg_backend_pid() AS pid${
        this.statementTimeoutMs === undefined
          ? ''
          : `, set_config('statement_timeout', '${this.statementTimeoutMs}', pg_backend_pid() <> ${processID})`
      }`,
    ]);
    this.pooled = rows[0]!.pid !== processID;
    return this;
  }

  private pooledQuery(args: unknown[]): unknown {
    const [statement] = args;
    if (typeof (statement as pg.Submittable).submit === 'function') return this.plainQuery(args);
    const callback = args.findLast((arg) => typeof arg === 'function') as Callback | undefined;
    const config: pg.QueryConfig = {
      ...(typeof statement === 'string' ? { text: statement } : (statement as pg.QueryConfig)),
      ...(Array.isArray(args[1]) && { values: args[1] as unknown[] }),
    };
    delete config.name;
    return deliver(callback, this.withTimeout(config));
  }

  /** Runs a statement with the timeout, in the open transaction or in its own. */
  private async withTimeout(config: pg.QueryConfig): Promise<pg.QueryResult> {
    if (this.statementTimeoutMs === undefined) return this.plainQuery([config]);
    if (BEGIN.test(config.text)) {
      this.inTransaction = true;
      return this.plainQuery([`${config.text}; ${this.localTimeout()}`]);
    }
    if (END.test(config.text)) this.inTransaction = false;
    else if (!this.inTransaction) return this.inOwnTransaction(config);
    return this.plainQuery([config]);
  }

  /** Runs a statement in its own transaction. */
  private async inOwnTransaction(config: pg.QueryConfig): Promise<pg.QueryResult> {
    await this.plainQuery([`BEGIN; ${this.localTimeout()}`]);
    const result = await this.plainQuery([config]).catch(async (error: unknown) => {
      // A session in an unknown state is not used again.
      const isUsable = error instanceof pg.DatabaseError && (await this.isRolledBack());
      if (!isUsable) this.abandon();
      throw error;
    });
    await this.plainQuery(['COMMIT']);
    return result;
  }

  private isRolledBack(): Promise<boolean> {
    return this.plainQuery(['ROLLBACK']).then(
      () => true,
      () => false,
    );
  }

  private abandon(): void {
    (this as unknown as { readonly connection: { readonly stream: Socket } }).connection.stream.destroy();
  }

  private localTimeout(): string {
    return `SET LOCAL statement_timeout = ${this.statementTimeoutMs}`;
  }

  private plainQuery<T extends pg.QueryResultRow>(args: unknown[]): Promise<pg.QueryResult<T>> {
    return super.query(...(args as [string])) as unknown as Promise<pg.QueryResult<T>>;
  }
}

/** Passes the result to the callback, if there is one. */
function deliver(callback: Callback | undefined, result: Promise<unknown>): Promise<unknown> | undefined {
  if (!callback) return result;
  result.then(
    (value) => callback(null, value),
    (error: Error) => callback(error),
  );
  return undefined;
}

/** Returns the value as SQL text. Throws before anything is sent if PostgreSQL cannot store it. */
function literal(value: Value): string {
  if (value === null) return 'NULL';
  const text = Array.isArray(value) ? `{${value.map(arrayElement).join()}}` : String(value);
  if (text.includes('\0')) throw new TypeError('PostgreSQL has no text with a NUL in it.');
  return pg.escapeLiteral(text);
}

const arrayElement = (element: string | number) => `"${String(element).replaceAll(/["\\]/g, '\\$&')}"`;
