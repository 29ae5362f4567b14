import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { ModelsModule } from '../models/models.module.js';
import { LedgerModule } from '../spend/ledger.module.js';
import { Grants } from './grants.js';

/** What the modules of administrators share: what a caller may pass on, and what `@AdminResource` needs of the cache and the ledger. */
@Module({
  imports: [ModelsModule, CacheModule, LedgerModule],
  providers: [Grants],
  exports: [Grants, CacheModule, LedgerModule],
})
export class AdminModule {}
