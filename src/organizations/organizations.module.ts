import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { DelegationModule } from '../delegation/delegation.module.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { User } from '../parties/entities/user.entity.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { TeamsModule } from '../teams/teams.module.js';
import { OrganizationMembersService } from './organization-members.service.js';
import { OrganizationsController } from './organizations.controller.js';
import { OrganizationsService } from './organizations.service.js';
import { Team } from '../parties/entities/team.entity.js';
import { Member } from '../parties/entities/team-member.entity.js';
import { OrganizationMember } from '../parties/entities/organization-member.entity.js';
import { Budget } from '../parties/entities/budget.entity.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { OrganizationMemberRepository } from '../parties/repositories/organization-member.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([User, Team, Member, Organization, OrganizationMember, Budget]),
    PartiesModule,
    DelegationModule,
    TeamsModule,
  ],
  controllers: [OrganizationsController],
  providers: [
    UserRepository,
    TeamRepository,
    MemberRepository,
    OrganizationRepository,
    OrganizationMemberRepository,
    BudgetRepository,
    OrganizationsService,
    OrganizationMembersService,
  ],
  exports: [OrganizationsService, OrganizationMembersService],
})
export class OrganizationsModule {}
