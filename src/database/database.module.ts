import { type DynamicModule, Global, Logger, Module, type OnModuleInit } from '@nestjs/common';
import { InjectDataSource, TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from './database.js';
import { DatabaseLock } from './database-lock.js';
import { databaseOptions } from './options.js';
import { toldByMigrations } from './told-by-migrations.js';

/** The one connection to the one database; migrations run before anything else does. */
@Global()
@Module({ providers: [Database, DatabaseLock], exports: [Database, DatabaseLock] })
export class DatabaseModule implements OnModuleInit {
  private readonly logger = new Logger(DatabaseModule.name);

  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  onModuleInit(): void {
    for (const line of toldByMigrations(this.dataSource)) this.logger.warn(line);
  }

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
