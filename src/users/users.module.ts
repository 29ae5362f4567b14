import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { DelegationModule } from '../delegation/delegation.module.js';
import { User } from '../parties/entities/user.entity.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { KeysModule } from '../keys/keys.module.js';
import { TeamsModule } from '../teams/teams.module.js';
import { UserInfoController } from './user-info.controller.js';
import { SpendUsersController } from './spend-users.controller.js';
import { UserLists } from './user-lists.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { Team } from '../parties/entities/team.entity.js';
import { Member } from '../parties/entities/team-member.entity.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { OrganizationMember } from '../parties/entities/organization-member.entity.js';
import { Budget } from '../parties/entities/budget.entity.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { OrganizationMemberRepository } from '../parties/repositories/organization-member.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([VirtualKey, User, Team, Member, Organization, OrganizationMember, Budget]),
    PartiesModule,
    DelegationModule,
    KeysModule,
    TeamsModule,
  ],
  controllers: [UsersController, UserInfoController, SpendUsersController],
  providers: [
    KeyRepository,
    UserRepository,
    TeamRepository,
    MemberRepository,
    OrganizationRepository,
    OrganizationMemberRepository,
    BudgetRepository,
    UsersService,
    UserLists,
  ],
  exports: [UsersService],
})
export class UsersModule {}
