import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { ModelsModule } from '../models/models.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { DelegationService } from './delegation.js';

/** Provides what admin modules share: delegation, and the cache and ledger that `@AdminResource` needs. */
@Module({
  imports: [ModelsModule, CacheModule, LedgerModule],
  providers: [DelegationService],
  exports: [DelegationService, CacheModule, LedgerModule],
})
export class DelegationModule {}
