import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PartySpend } from './party-spend.js';
import { UserDefaults } from './user-defaults.js';
import { PartyRepositoryContext } from './repositories/party.repository.js';

/** Services that the repositories of all parties share, and the defaults of a new user. */
@Module({
  imports: [CacheModule, LedgerModule],
  providers: [PartyRepositoryContext, PartySpend, UserDefaults],
  exports: [PartyRepositoryContext, PartySpend, UserDefaults],
})
export class PartiesModule {}
