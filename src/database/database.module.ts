import { type DynamicModule, Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from './database.js';
import { DatabaseLock } from './database-lock.js';
import { databaseOptions } from './options.js';

/** The one connection to the one database; migrations run before anything else does. */
@Global()
@Module({ providers: [Database, DatabaseLock], exports: [Database, DatabaseLock] })
export class DatabaseModule {
  static connect(): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [CONFIG],
          useFactory: ({ databaseUrl, dataFolder, general }: Config) => ({
            ...databaseOptions(databaseUrl, dataFolder, general.fsync),
            migrationsRun: true,
            retryAttempts: databaseUrl ? 5 : 0,
            retryDelay: 1_000,
          }),
        }),
      ],
    };
  }
}
