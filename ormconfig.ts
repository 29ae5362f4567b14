import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { databaseOptions } from './src/database-options.js';

/** For the TypeORM command line: `npm run migration -- migration:show`. */
export default new DataSource(
  databaseOptions(process.env.DATABASE_URL || undefined, process.env.TOLLGATE_DATA || './data'),
);
