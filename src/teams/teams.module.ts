import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PartiesModule } from '../parties/parties.module.js';
import { AdminModule } from '../admin/admin.module.js';
import { Team } from './team.entity.js';
import { Member } from './member.entity.js';
import { User } from '../users/user.entity.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { TeamGrants } from './team-grants.js';
import { TeamLists } from './team-lists.js';
import { TeamMembersService } from './team-members.service.js';
import { TeamPagesController } from './team-pages.controller.js';
import { TeamsController } from './teams.controller.js';
import { TeamsService } from './teams.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Team, Member, User]), PartiesModule, AdminModule],
  controllers: [TeamsController, TeamPagesController],
  providers: [
    TeamRepository,
    MemberRepository,
    UserRepository,
    TeamsService,
    TeamMembersService,
    TeamLists,
    TeamGrants,
  ],
  exports: [TeamsService, TeamMembersService],
})
export class TeamsModule {}
