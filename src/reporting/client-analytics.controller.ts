import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute, CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import { ClientAnalytics } from './client-analytics.js';
import {
  ActiveUsers,
  DistinctTags,
  PerUserAnalytics,
  PerUserQuery,
  TagFilterQuery,
  TagSummary,
  TagSummaryQuery,
} from './client-analytics.dto.js';

/** Reports who calls with which program and tag. Never cached: the responses change with each call. */
@ApiTags('tags')
@AdminRoute()
@Controller('tag')
export class ClientAnalyticsController {
  constructor(private readonly analytics: ClientAnalytics) {}

  @Get('distinct')
  @ApiOperation({ summary: 'Programs and tags of the last 30 days, those with the most calls first.' })
  distinct(@CurrentPrincipal() caller: Principal): Promise<DistinctTags> {
    return this.analytics.distinct(caller);
  }

  @Get('dau')
  @ApiOperation({ summary: 'How many users each program and tag had on each of the last seven days.' })
  daily(@Query() filter: TagFilterQuery, @CurrentPrincipal() caller: Principal): Promise<ActiveUsers> {
    return this.analytics.activeUsers('day', filter, caller);
  }

  @Get('wau')
  @ApiOperation({ summary: 'How many users each program and tag had in each of the last seven weeks.' })
  weekly(@Query() filter: TagFilterQuery, @CurrentPrincipal() caller: Principal): Promise<ActiveUsers> {
    return this.analytics.activeUsers('week', filter, caller);
  }

  @Get('mau')
  @ApiOperation({
    summary: 'How many users each program and tag had in each of the last seven times 30 days.',
  })
  monthly(@Query() filter: TagFilterQuery, @CurrentPrincipal() caller: Principal): Promise<ActiveUsers> {
    return this.analytics.activeUsers('month', filter, caller);
  }

  @Get('summary')
  @ApiOperation({
    summary: 'Users, calls, tokens and spend of each program and tag. Both days are required.',
  })
  summary(@Query() query: TagSummaryQuery, @CurrentPrincipal() caller: Principal): Promise<TagSummary> {
    return this.analytics.summary(query, caller);
  }

  @Get('user-agent/per-user-analytics')
  @ApiOperation({ summary: 'Calls, tokens and spend of each user with a program, in the last 30 days.' })
  perUser(@Query() query: PerUserQuery, @CurrentPrincipal() caller: Principal): Promise<PerUserAnalytics> {
    return this.analytics.perUser(query, caller);
  }
}
