import type { Socket } from 'node:net';
import pg from 'pg';

interface PostgresClientConfig extends pg.ClientConfig {
  /** The server ends a statement that takes longer. 0: none. Absent: what the server's own settings say. */
  readonly statementTimeoutMs?: number;
}

type Callback = (error: Error | null, result?: unknown) => void;
type Value = string | number | bigint | boolean | null | readonly (string | number)[];

const BEGINS = /^\s*(?:BEGIN|START\s+TRANSACTION)\b/i;
const ENDS = /^\s*(?:COMMIT|END|ROLLBACK(?!\s+TO)|ABORT)\b/i;

/**
 * A connection to PostgreSQL. When it is lost, whoever uses it gets an error; the process goes on.
 *
 * It works behind a pooler that gives each transaction another session of the server (PgBouncer, `pool_mode =
 * transaction`): nothing is prepared by name there, and the statement timeout is set inside each transaction. A pooler
 * is recognised by the number it gives the session, which is not the number of the server's process.
 */
export class PostgresClient extends pg.Client {
  private pooled = false;
  private inTransaction = false;
  private readonly statementTimeoutMs: number | undefined;

  constructor(config?: PostgresClientConfig) {
    super(config);
    this.statementTimeoutMs = config?.statementTimeoutMs;
    // pg-pool and TypeORM listen only part of the time. An `error` without a listener ends the process.
    this.on('error', () => {});
  }

  /** Is there a pooler between this process and the server? Known once it is connected. */
  get isPooled(): boolean {
    return this.pooled;
  }

  // pg's overloads cannot be written down again; arguments and results of the next two are its own.
  override connect(callback?: unknown): never {
    return toldTo(
      callback as Callback | undefined,
      super.connect().then(() => this.meetServer()),
    ) as never;
  }

  override query(...args: unknown[]): never {
    return (this.pooled ? this.pooledQuery(args) : this.plainQuery(args)) as never;
  }

  /**
   * Runs one statement as one transaction. It travels in one message, so no lock of it waits for this process. `name`:
   * where there is no pooler, the server prepares it by this name.
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

  /** Asks whether a pooler is in between, and sets the timeout for the session if there is none. */
  private async meetServer(): Promise<pg.Client> {
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
    const [asked] = args;
    if (typeof (asked as pg.Submittable).submit === 'function') return this.plainQuery(args);
    const callback = args.findLast((arg) => typeof arg === 'function') as Callback | undefined;
    const config: pg.QueryConfig = {
      ...(typeof asked === 'string' ? { text: asked } : (asked as pg.QueryConfig)),
      ...(Array.isArray(args[1]) && { values: args[1] as unknown[] }),
    };
    delete config.name;
    return toldTo(callback, this.bounded(config));
  }

  /** Runs the statement in a transaction that has the timeout: the one that is open, or else one of its own. */
  private async bounded(config: pg.QueryConfig): Promise<pg.QueryResult> {
    if (this.statementTimeoutMs === undefined) return this.plainQuery([config]);
    if (BEGINS.test(config.text)) {
      this.inTransaction = true;
      return this.plainQuery([`${config.text}; ${this.localTimeout()}`]);
    }
    if (ENDS.test(config.text)) this.inTransaction = false;
    else if (!this.inTransaction) return this.alone(config);
    return this.plainQuery([config]);
  }

  /** A transaction of one statement. */
  private async alone(config: pg.QueryConfig): Promise<pg.QueryResult> {
    await this.plainQuery([`BEGIN; ${this.localTimeout()}`]);
    const result = await this.plainQuery([config]).catch(async (error: unknown) => {
      // Where nobody knows what the session is doing, it is not used again.
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

/** Hands the result to a callback, for those who gave one. */
function toldTo(callback: Callback | undefined, result: Promise<unknown>): Promise<unknown> | undefined {
  if (!callback) return result;
  result.then(
    (value) => callback(null, value),
    (error: Error) => callback(error),
  );
  return undefined;
}

/** The value as SQL text. Throws what is known to be said before anything is sent. */
function literal(value: Value): string {
  if (value === null) return 'NULL';
  const text = Array.isArray(value) ? `{${value.map(arrayElement).join()}}` : String(value);
  if (text.includes('\0')) throw new TypeError('PostgreSQL has no text with a NUL in it.');
  return pg.escapeLiteral(text);
}

const arrayElement = (element: string | number) => `"${String(element).replaceAll(/["\\]/g, '\\$&')}"`;
