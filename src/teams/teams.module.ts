import { Module } from '@nestjs/common';
import { TeamGrants } from './team-grants.js';
import { TeamsController } from './teams.controller.js';
import { TeamsService } from './teams.service.js';

@Module({
  controllers: [TeamsController],
  providers: [TeamsService, TeamGrants],
  exports: [TeamsService],
})
export class TeamsModule {}
