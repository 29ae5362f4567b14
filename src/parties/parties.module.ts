import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PartySpend } from './party-spend.js';
import { UserDefaults } from './user-defaults.js';
import { PartyRepositoryContext } from './repositories/party-repository-context.js';
import { TypeOrmModule } from '@nestjs/typeorm';
import { VirtualKey } from './entities/virtual-key.entity.js';
import { User } from './entities/user.entity.js';
import { Team } from './entities/team.entity.js';
import { Member } from './entities/team-member.entity.js';
import { Organization } from './entities/organization.entity.js';
import { OrganizationMember } from './entities/organization-member.entity.js';
import { Budget } from './entities/budget.entity.js';
import { KeyRepository } from './repositories/key.repository.js';
import { UserRepository } from './repositories/user.repository.js';
import { TeamRepository } from './repositories/team.repository.js';
import { MemberRepository } from './repositories/member.repository.js';
import { OrganizationRepository } from './repositories/organization.repository.js';
import { OrganizationMemberRepository } from './repositories/organization-member.repository.js';
import { BudgetRepository } from './repositories/budget.repository.js';
import { ModelNames } from './model-names.js';
import { AccessGroup } from './entities/access-group.entity.js';
import { EndUser } from './entities/end-user.entity.js';
import { Tag } from './entities/tag.entity.js';
import { AccessGroupRepository } from './repositories/access-group.repository.js';
import { EndUserRepository } from './repositories/end-user.repository.js';
import { TagRepository } from './repositories/tag.repository.js';
import { PartyLocks } from './party-locks.js';
import { PartyDeletion } from './party-deletion.js';

/** Services that the repositories of all parties share, and the defaults of a new user. */
@Module({
  imports: [
    TypeOrmModule.forFeature([
      VirtualKey,
      User,
      Team,
      Member,
      Organization,
      OrganizationMember,
      Budget,
      EndUser,
      Tag,
      AccessGroup,
    ]),
    CacheModule,
    LedgerModule,
  ],
  providers: [
    KeyRepository,
    UserRepository,
    TeamRepository,
    MemberRepository,
    OrganizationRepository,
    OrganizationMemberRepository,
    BudgetRepository,
    EndUserRepository,
    TagRepository,
    AccessGroupRepository,
    PartyLocks,
    PartyDeletion,
    PartyRepositoryContext,
    PartySpend,
    UserDefaults,
    ModelNames,
  ],
  exports: [
    BudgetRepository,
    PartyLocks,
    PartyDeletion,
    PartyRepositoryContext,
    PartySpend,
    UserDefaults,
    ModelNames,
  ],
})
export class PartiesModule {}
