import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import { CONFIG, type Config } from '../../config/config.js';
import { PostgresClient } from '../../database/postgres-client.js';

/** Longer than a hold or a settlement may take; the server ends it itself. */
export const STATEMENT_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** One for holds, one for settlements, one for the beat of the replica. */
const CONNECTIONS = 3;

/** Connections of their own for what moves money, so that no report can be in its way. */
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
    // An idle connection that breaks is replaced when it is needed.
    this.pool.on('error', () => {});
  }

  /** One statement, one transaction. Rejects with `isInDoubt(error)` when nobody knows whether it was committed. */
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
      // A connection with an error is not used again.
      client.release(true);
      throw error;
    }
  }

  /** The last thing a process does with money. */
  async close(): Promise<void> {
    await this.pool.end();
  }
}

/**
 * The server said no, or nothing was sent: then nothing is committed. Everything else is doubt, also what the server or
 * a pooler says as it closes the connection.
 */
export const isInDoubt = (error: unknown): boolean =>
  error instanceof pg.DatabaseError
    ? error.severity === 'FATAL' || /^(?:57P|08)/.test(error.code ?? '')
    : !(error instanceof TypeError);

/** Two transactions were in each other's way: the same statement works when it is sent again. */
export const isCollision = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && (error.code === '40001' || error.code === '40P01');

/** The values are at fault, not the database. */
export const isOfData = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? ''));
