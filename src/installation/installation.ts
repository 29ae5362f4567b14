import { v7 as uuidv7 } from 'uuid';
import type { Config } from '../config/config.js';
import type { Database } from '../database/database.js';

/**
 * The processes that share one database. Their keys in Redis start with the id of the database, so that any number of
 * installations may share one Redis.
 */
export class Installation {
  /** The id of this process. */
  readonly processId = uuidv7();
  private readonly prefix: string;

  constructor(
    readonly id: string,
    namespace?: string,
  ) {
    // The braces put all names of an installation into one slot of a Redis cluster.
    this.prefix = `${namespace === undefined ? '' : `${namespace}:`}{tollgate:${id}}:`;
  }

  /** Reads the id of the database. */
  static async read(database: Database, config: Pick<Config, 'redisNamespace'>): Promise<Installation> {
    const rows = await database.read<{ id: string }[]>((manager) =>
      manager.query('SELECT id FROM installation'),
    );
    if (rows.length !== 1)
      throw new Error(`The table "installation" must have one row; it has ${rows.length}.`);
    return new Installation(rows[0]!.id, config.redisNamespace);
  }

  /** Names a key or a channel of this installation in Redis. */
  inRedis(name: string): string {
    return this.prefix + name;
  }
}
