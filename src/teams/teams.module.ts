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

@Module({
  imports: [TypeOrmModule.forFeature([Team, Member, User]), PartiesModule, DelegationModule],
  controllers: [TeamsController, TeamPagesController],
  providers: [
    TeamRepository,
    MemberRepository,
    UserRepository,
    TeamsService,
    TeamMembersService,
    TeamLists,
    TeamDelegation,
  ],
  exports: [TeamsService, TeamMembersService],
})
export class TeamsModule {}
