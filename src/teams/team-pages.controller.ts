import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import { TeamLists } from './team-lists.js';
import { TeamPage, TeamPageQuery } from './teams.dto.js';

@ApiTags('teams')
@AdminResource()
@Controller('v2/team')
export class TeamPagesController {
  constructor(private readonly lists: TeamLists) {}

  @Get('list')
  @ApiOperation({ summary: 'The caller’s teams, searched and sorted, a page at a time.' })
  list(@Query() query: TeamPageQuery, @CurrentPrincipal() caller: Principal): Promise<TeamPage> {
    return this.lists.page(query, caller);
  }
}
