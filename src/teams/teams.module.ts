import { Module } from '@nestjs/common';
import { TeamGrants } from './team-grants.js';
import { TeamPagesController } from './team-pages.controller.js';
import { TeamsController } from './teams.controller.js';
import { TeamsService } from './teams.service.js';

@Module({
  controllers: [TeamsController, TeamPagesController],
  providers: [TeamsService, TeamGrants],
  exports: [TeamsService],
})
export class TeamsModule {}
