import { Module } from '@nestjs/common';
import { TeamGrants } from './team-grants.js';
import { TeamLists } from './team-lists.js';
import { TeamMembersService } from './team-members.service.js';
import { TeamPagesController } from './team-pages.controller.js';
import { TeamsController } from './teams.controller.js';
import { TeamsService } from './teams.service.js';

@Module({
  controllers: [TeamsController, TeamPagesController],
  providers: [TeamsService, TeamMembersService, TeamLists, TeamGrants],
  exports: [TeamsService, TeamMembersService],
})
export class TeamsModule {}
