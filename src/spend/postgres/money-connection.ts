import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import { CONFIG, type Config } from '../../config/config.js';

/** Longer than a hold or a settlement may take; the server ends it itself. */
export const STATEMENT_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** One for holds, one for settlements, one for the beat of the replica. */
const CONNECTIONS = 3;

/** Connections of their own for what moves money, so that no report can be in its way. */
@Injectable()
export class MoneyConnection {
  private readonly pool: pg.Pool;

  constructor(@Inject(CONFIG) { databaseUrl }: Config) {
    this.pool = new pg.Pool({
      connectionString: databaseUrl,
      max: CONNECTIONS,
      application_name: 'tollgate money',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
      keepAlive: true,
    });
    // An idle connection that breaks is replaced when it is needed.
    this.pool.on('error', () => {});
  }

  /** One statement, one transaction. Rejects with `isInDoubt(error)` when nobody knows whether it was committed. */
  async call<T extends pg.QueryResultRow>(
    name: string,
    text: string,
    values: readonly unknown[],
  ): Promise<T[]> {
    const { rows } = await this.pool.query<T>({ name, text, values: [...values] });
    return rows;
  }

  /** The last thing a process does with money. */
  async close(): Promise<void> {
    await this.pool.end();
  }
}

/** The server said no, or nothing was sent: then nothing is committed. Everything else is doubt. */
export const isInDoubt = (error: unknown): boolean =>
  error instanceof pg.DatabaseError ? error.code?.startsWith('57P') === true : !(error instanceof TypeError);

/** Two transactions were in each other's way: the same statement works when it is sent again. */
export const isCollision = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && (error.code === '40001' || error.code === '40P01');
