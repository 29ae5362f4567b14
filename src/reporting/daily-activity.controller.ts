import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute, CurrentPrincipal } from '../http/route-access.js';
import { type Principal, seesEverything } from '../policy/principal.js';
import type { ActivityQuery } from './activity.js';
import { DailyActivity } from './daily-activity.js';
import {
  CustomerActivityQuery,
  DailyActivityPage,
  type DailyActivityQuery,
  OrganizationActivityQuery,
  TagActivityQuery,
  TeamActivityQuery,
  UserActivityQuery,
} from './daily-activity.dto.js';
import { utcDaysAround, requiredDays } from './days.js';
import { namesIn } from './report-filter.js';

/** Reports calls per day. A caller sees only calls that concern them, also if the query names other ids. */
@ApiTags('spend')
@AdminRoute()
@Controller()
export class DailyActivityController {
  constructor(private readonly activity: DailyActivity) {}

  @Get('user/daily/activity')
  @ApiOperation({ summary: 'Days of users’ calls, latest first.' })
  ofUsers(
    @Query() query: UserActivityQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<DailyActivityPage> {
    const { timezone = 0, user_id, ...rest } = query;
    const userId = user_id ?? (seesEverything(caller) ? undefined : (caller.userId ?? ''));
    const activityQuery: ActivityQuery = {
      ...activityQueryOf(rest, caller),
      ...(userId !== undefined && { user_id: userId }),
    };
    return this.activity.page(
      { ...activityQuery, days: utcDaysAround(activityQuery.days, timezone) },
      'user',
      rest,
    );
  }

  @Get('team/daily/activity')
  @ApiOperation({ summary: 'Days of teams’ calls, latest first.' })
  ofTeams(
    @Query() query: TeamActivityQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<DailyActivityPage> {
    const { team_ids: only, exclude_team_ids: except } = query;
    const permission = '/team/daily/activity';
    const activityQuery: ActivityQuery = {
      ...activityQueryOf(query, caller),
      owner: { kind: 'team', only: namesIn(only), except: namesIn(except) },
      permission,
    };
    return this.activity.page(activityQuery, 'team', query);
  }

  @Get('organization/daily/activity')
  @ApiOperation({ summary: 'Days of organizations’ calls, latest first.' })
  ofOrganizations(
    @Query() query: OrganizationActivityQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<DailyActivityPage> {
    const { organization_ids: only, exclude_organization_ids: except } = query;
    const activityQuery: ActivityQuery = {
      ...activityQueryOf(query, caller),
      owner: { kind: 'organization', only: namesIn(only), except: namesIn(except) },
    };
    return this.activity.page(activityQuery, 'organization', query);
  }

  @Get('customer/daily/activity')
  @ApiOperation({ summary: 'Days of end users’ calls, latest first.' })
  ofCustomers(
    @Query() query: CustomerActivityQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<DailyActivityPage> {
    const { end_user_ids: only, exclude_end_user_ids: except } = query;
    const activityQuery: ActivityQuery = {
      ...activityQueryOf(query, caller),
      owner: { kind: 'endUser', only: namesIn(only), except: namesIn(except) },
    };
    return this.activity.page(activityQuery, 'endUser', query);
  }

  @Get('tag/daily/activity')
  @ApiOperation({ summary: 'Days of calls with tags, latest first; a call with two tags counts for both.' })
  ofTags(
    @Query() query: TagActivityQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<DailyActivityPage> {
    return this.activity.page(
      { ...activityQueryOf(query, caller), tags: { only: namesIn(query.tags) } },
      'tag',
      query,
    );
  }
}

const activityQueryOf = (
  { model, api_key, ...dates }: DailyActivityQuery,
  caller: Principal,
): ActivityQuery => ({
  days: requiredDays(dates),
  caller,
  ...(model !== undefined && { model }),
  ...(api_key !== undefined && { api_key }),
});
