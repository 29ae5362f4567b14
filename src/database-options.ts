import type { DataSourceOptions } from 'typeorm';
import { connectionOptions } from './database/options.js';
import { entities } from './entities.js';

/** Returns the options of the connection, with every table of the application, for commands, the TypeORM CLI and tests. */
export const databaseOptions = (
  databaseUrl: string | undefined,
  dataFolder: string,
  fsync?: boolean,
): DataSourceOptions => connectionOptions(entities, databaseUrl, dataFolder, fsync);
