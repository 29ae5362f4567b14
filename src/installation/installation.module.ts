import { Module } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { RedisModule } from '../redis/redis.module.js';
import { Installation } from './installation.js';
import { InstallationWatch } from './installation-watch.js';

/** Separates this installation from others that use the same Redis. */
@Module({
  imports: [RedisModule],
  providers: [
    {
      provide: Installation,
      inject: [Database, CONFIG],
      useFactory: (database: Database, config: Config) => Installation.read(database, config),
    },
    InstallationWatch,
  ],
  exports: [Installation],
})
export class InstallationModule {}
