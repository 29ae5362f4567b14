import { Module } from '@nestjs/common';
import { CacheModule } from '../cache/cache.module.js';
import { BudgetsModule } from '../budgets/budgets.module.js';
import { EndUsersModule } from '../end-users/end-users.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { ModelsModule } from '../models/models.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { PartiesModule } from '../parties/parties.module.js';
import { TagsModule } from '../tags/tags.module.js';
import { TeamsModule } from '../teams/teams.module.js';
import { UsersModule } from '../users/users.module.js';
import { Importer } from './importer.js';
import { RowRestorer } from './row-restorer.js';
import { tableImporterProviders } from './table-importers/table-importers.js';
import { TypeOrmModule } from '@nestjs/typeorm';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { User } from '../parties/entities/user.entity.js';
import { Team } from '../parties/entities/team.entity.js';
import { Member } from '../parties/entities/team-member.entity.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { OrganizationMember } from '../parties/entities/organization-member.entity.js';
import { EndUser } from '../parties/entities/end-user.entity.js';
import { Tag } from '../parties/entities/tag.entity.js';
import { Budget } from '../parties/entities/budget.entity.js';
import { StoredDeployment } from '../models/stored-deployment.entity.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { OrganizationMemberRepository } from '../parties/repositories/organization-member.repository.js';
import { EndUserRepository } from '../parties/repositories/end-user.repository.js';
import { TagRepository } from '../parties/repositories/tag.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';
import { StoredDeploymentRepository } from '../models/stored-deployment.repository.js';

/** Imports a LiteLLM database. Only the command line loads this module. */
@Module({
  imports: [
    TypeOrmModule.forFeature([
      VirtualKey,
      User,
      Team,
      Member,
      Organization,
      OrganizationMember,
      EndUser,
      Tag,
      Budget,
      StoredDeployment,
    ]),
    CacheModule,
    PartiesModule,
    BudgetsModule,
    OrganizationsModule,
    UsersModule,
    TeamsModule,
    EndUsersModule,
    TagsModule,
    KeysModule,
    ModelsModule,
  ],
  providers: [
    KeyRepository,
    UserRepository,
    TeamRepository,
    MemberRepository,
    OrganizationRepository,
    OrganizationMemberRepository,
    EndUserRepository,
    TagRepository,
    BudgetRepository,
    StoredDeploymentRepository,
    Importer,
    RowRestorer,
    ...tableImporterProviders,
  ],
})
export class LitellmImportModule {}
