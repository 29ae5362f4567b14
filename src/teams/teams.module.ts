import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { DelegationModule } from '../delegation/delegation.module.js';
import { Team } from '../parties/entities/team.entity.js';
import { Member } from '../parties/entities/team-member.entity.js';
import { User } from '../parties/entities/user.entity.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { TeamDelegation } from './team-delegation.js';
import { TeamLists } from './team-lists.js';
import { TeamMembersService } from './team-members.service.js';
import { TeamPagesController } from './team-pages.controller.js';
import { TeamsController } from './teams.controller.js';
import { TeamsService } from './teams.service.js';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { Budget } from '../parties/entities/budget.entity.js';
import { AccessGroup } from '../parties/entities/access-group.entity.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';
import { AccessGroupRepository } from '../parties/repositories/access-group.repository.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([VirtualKey, User, Team, Member, Organization, Budget, AccessGroup]),
    PartiesModule,
    DelegationModule,
  ],
  controllers: [TeamsController, TeamPagesController],
  providers: [
    KeyRepository,
    UserRepository,
    TeamRepository,
    MemberRepository,
    OrganizationRepository,
    BudgetRepository,
    AccessGroupRepository,
    TeamsService,
    TeamMembersService,
    TeamLists,
    TeamDelegation,
  ],
  exports: [TeamsService, TeamMembersService],
})
export class TeamsModule {}
