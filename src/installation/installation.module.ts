import { Global, Module } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { Installation } from './installation.js';
import { InstallationWatch } from './installation-watch.js';

/** Tells this installation from others that use the same Redis. */
@Global()
@Module({
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
