import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { LedgerModule } from '../spend/ledger.module.js';
import { NewUsers } from '../users/new-users.js';
import { PartyRepositoryContext } from './repositories/party.repository.js';

/** What the repositories of parties share, and what a new user begins with. */
@Module({
  imports: [CacheModule, LedgerModule],
  providers: [PartyRepositoryContext, NewUsers],
  exports: [PartyRepositoryContext, NewUsers],
})
export class PartiesModule {}
