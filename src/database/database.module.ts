import { type DynamicModule, Global, Logger, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from './database.js';
import { DatabaseLock } from './database-lock.js';
import { runMigrations, NewerDatabaseError } from './run-migrations.js';
import { connectionOptions, withoutTimeout } from './options.js';
import { WriteHealth } from './write-health.js';

/** Connects to the database. Migrations run before anything else. */
@Global()
@Module({ providers: [Database, DatabaseLock, WriteHealth], exports: [Database, DatabaseLock, WriteHealth] })
export class DatabaseModule {
  /** Returns the module. `isCommand`: no client waits for a response, so statements have no timeout. */
  static connect(
    entities: readonly (new () => object)[],
    { isCommand = false }: { readonly isCommand?: boolean } = {},
  ): DynamicModule {
    const optionsFor = isCommand ? withoutTimeout : (options: DataSourceOptions) => options;
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [CONFIG],
          useFactory: ({ databaseUrl, dataFolder, general }: Config) => ({
            ...optionsFor(connectionOptions(entities, databaseUrl, dataFolder, general.fsync)),
            retryAttempts: databaseUrl ? 5 : 0,
            retryDelay: 1_000,
            toRetry: (error: unknown) => !(error instanceof NewerDatabaseError),
          }),
          dataSourceFactory: async (options) => {
            const { messages } = await runMigrations(options!);
            for (const line of messages) new Logger(DatabaseModule.name).warn(line);
            return new DataSource(options!).initialize();
          },
        }),
      ],
    };
  }
}
