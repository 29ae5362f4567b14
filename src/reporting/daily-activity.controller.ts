import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute, CurrentPrincipal } from '../http/route-access.js';
import { type Principal, seesEverything } from '../policy/principal.js';
import type { Asked } from './activity.js';
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
import { aroundDays, requiredDays } from './days.js';
import { named } from './report-filter.js';

/** What calls came to on each day. Whoever asks hears of what concerns them, whether they name ids or not. */
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
    const theirs = user_id ?? (seesEverything(caller) ? undefined : (caller.userId ?? ''));
    const asked: Asked = { ...askedOf(rest, caller), ...(theirs !== undefined && { user_id: theirs }) };
    return this.activity.page({ ...asked, days: aroundDays(asked.days, timezone) }, 'user', rest);
  }

  @Get('team/daily/activity')
  @ApiOperation({ summary: 'Days of teams’ calls, latest first.' })
  ofTeams(
    @Query() query: TeamActivityQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<DailyActivityPage> {
    const { team_ids: only, exclude_team_ids: except } = query;
    const permission = '/team/daily/activity';
    const asked: Asked = {
      ...askedOf(query, caller),
      of: { kind: 'team', only: named(only), except: named(except) },
      permission,
    };
    return this.activity.page(asked, 'team', query);
  }

  @Get('organization/daily/activity')
  @ApiOperation({ summary: 'Days of organizations’ calls, latest first.' })
  ofOrganizations(
    @Query() query: OrganizationActivityQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<DailyActivityPage> {
    const { organization_ids: only, exclude_organization_ids: except } = query;
    const asked: Asked = {
      ...askedOf(query, caller),
      of: { kind: 'organization', only: named(only), except: named(except) },
    };
    return this.activity.page(asked, 'organization', query);
  }

  @Get('customer/daily/activity')
  @ApiOperation({ summary: 'Days of end users’ calls, latest first.' })
  ofCustomers(
    @Query() query: CustomerActivityQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<DailyActivityPage> {
    const { end_user_ids: only, exclude_end_user_ids: except } = query;
    const asked: Asked = {
      ...askedOf(query, caller),
      of: { kind: 'endUser', only: named(only), except: named(except) },
    };
    return this.activity.page(asked, 'endUser', query);
  }

  @Get('tag/daily/activity')
  @ApiOperation({ summary: 'Days of calls with tags, latest first; a call with two tags counts for both.' })
  ofTags(
    @Query() query: TagActivityQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<DailyActivityPage> {
    return this.activity.page({ ...askedOf(query, caller), tags: { only: named(query.tags) } }, 'tag', query);
  }
}

const askedOf = ({ model, api_key, ...dates }: DailyActivityQuery, caller: Principal): Asked => ({
  days: requiredDays(dates),
  caller,
  ...(model !== undefined && { model }),
  ...(api_key !== undefined && { api_key }),
});
