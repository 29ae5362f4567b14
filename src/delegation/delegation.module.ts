import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { ModelsModule } from '../models/models.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { DelegationService } from './delegation.js';

/** What the modules of administrators share: what a caller may pass on, and what `@AdminResource` needs of the cache and the ledger. */
@Module({
  imports: [ModelsModule, CacheModule, LedgerModule],
  providers: [DelegationService],
  exports: [DelegationService, CacheModule, LedgerModule],
})
export class DelegationModule {}
