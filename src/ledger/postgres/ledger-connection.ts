import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import { CONFIG, type Config } from '../../config/config.js';
import { PostgresClient } from '../../database/postgres-client.js';

/** A limit above the time a hold or settlement may take. The server ends the statement itself. */
export const STATEMENT_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** One for holds, one for settlements, one for the heartbeat of the replica. */
const CONNECTIONS = 3;

/** The connections for money. They are separate, so no report can block them. */
@Injectable()
export class LedgerConnection {
  private readonly pool: pg.Pool;

  constructor(@Inject(CONFIG) { databaseUrl }: Config) {
    const options: pg.PoolConfig & { readonly statementTimeoutMs: number } = {
      connectionString: databaseUrl,
      max: CONNECTIONS,
      application_name: 'tollgate money',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      Client: PostgresClient,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
      keepAlive: true,
    };
    this.pool = new pg.Pool(options);
    // The pool replaces a broken idle connection when it needs one.
    this.pool.on('error', () => {});
  }

  /**
   * Runs one statement as one transaction. Rejects with an error for which `isInDoubt` is true if it may have been
   * committed.
   */
  async call<T extends pg.QueryResultRow>(
    name: string,
    text: string,
    values: Parameters<PostgresClient['runAlone']>[2],
  ): Promise<T[]> {
    const client = (await this.pool.connect()) as unknown as PostgresClient & pg.PoolClient;
    try {
      const rows = await client.runAlone<T>(name, text, values);
      client.release();
      return rows;
    } catch (error) {
      // Drops a connection that had an error.
      client.release(true);
      throw error;
    }
  }

  /** Closes the connections. No money moves after this. */
  async close(): Promise<void> {
    await this.pool.end();
  }
}

/**
 * Returns true if the statement may have been committed. It was not if the server refused it or nothing was sent.
 * Errors of a server or pooler that closes the connection are in doubt, too.
 */
export const isInDoubt = (error: unknown): boolean =>
  error instanceof pg.DatabaseError
    ? error.severity === 'FATAL' || /^(?:57P|08)/.test(error.code ?? '')
    : !(error instanceof TypeError);

/** Returns true if two transactions collided. The same statement works when it is sent again. */
export const isSerializationFailure = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && (error.code === '40001' || error.code === '40P01');

/** Returns true if the values caused the error, not the database. */
export const isDataError = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? ''));
