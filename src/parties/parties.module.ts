import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PartySpend } from './party-spend.js';
import { UserDefaults } from './user-defaults.js';
import { PartyRepositoryContext } from './repositories/party.repository.js';

/** What the repositories of parties share, and what a new user begins with. */
@Module({
  imports: [CacheModule, LedgerModule],
  providers: [PartyRepositoryContext, PartySpend, UserDefaults],
  exports: [PartyRepositoryContext, PartySpend, UserDefaults],
})
export class PartiesModule {}
