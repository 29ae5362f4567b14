import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { AdminRoute, CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import { SpendReports } from './spend-reports.js';
import { SpendResetService } from './spend-reset.service.js';
import {
  TopSpendQuery,
  EndUserSpend,
  EndUserSpendDto,
  GlobalActivity,
  KeyReport,
  KeySpend,
  ModelSpend,
  PartyReport,
  SpendReportQuery,
  TeamSpend,
} from './global-spend.dto.js';
import { DatesQuery } from '../http/dates-query.dto.js';
import { GlobalSpend, GlobalSpendTagsQuery, GlobalTagSpend, GlobalSpendResetResponse } from './spend.dto.js';
import { namesIn } from './report-filter.js';

/** LiteLLM's value for all tags. */
const ALL_TAGS = 'all-tags';
const USUAL_LIMIT = 100;

/** Reports the spend of all parties. Never cached: the responses are the current spend. */
@ApiTags('spend')
@AdminRoute()
@Controller('global')
export class GlobalSpendController {
  constructor(
    private readonly reports: SpendReports,
    private readonly resets: SpendResetService,
  ) {}

  @Get('spend')
  @ApiOperation({ summary: 'What was spent in all.' })
  all(): Promise<GlobalSpend> {
    return this.reports.global();
  }

  @Get('spend/tags')
  @ApiOperation({ summary: 'What calls cost, by tag, dearest first.' })
  async byTag(
    @Query() { tags, ...days }: GlobalSpendTagsQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<GlobalTagSpend> {
    const names = namesIn(tags);
    const rows = await this.reports.byTag(days, caller, names?.includes(ALL_TAGS) ? undefined : names);
    return { spend_per_tag: rows.map(({ name, calls, spend }) => ({ name, spend, log_count: calls })) };
  }

  @Get('spend/keys')
  @ApiOperation({ summary: 'The dearest keys of the last 30 days.' })
  byKey(
    @Query() { limit = USUAL_LIMIT }: TopSpendQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<KeySpend[]> {
    return this.reports.byKey(limit, caller);
  }

  @Get('spend/models')
  @ApiOperation({ summary: 'The dearest models of the last 30 days.' })
  byModel(
    @Query() { limit = USUAL_LIMIT }: TopSpendQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<ModelSpend[]> {
    return this.reports.byModel(limit, caller);
  }

  @Get('spend/teams')
  @ApiOperation({ summary: 'The 100 dearest teams of the last 30 days, in all and by day.' })
  byTeam(@CurrentPrincipal() caller: Principal): Promise<TeamSpend> {
    return this.reports.byTeam(caller);
  }

  @Post('spend/end_users')
  @HttpCode(200)
  @ApiOperation({ summary: 'The 100 dearest end users.' })
  byEndUser(@Body() dto: EndUserSpendDto, @CurrentPrincipal() caller: Principal): Promise<EndUserSpend[]> {
    return this.reports.byEndUser(dto, caller);
  }

  @Get('spend/report')
  @ApiOperation({
    summary:
      'What each team or customer spent on each day, or each key in all. `api_key` and `internal_user_id`: keys.',
  })
  @ApiExtraModels(PartyReport, KeyReport)
  @ApiOkResponse({
    schema: {
      type: 'array',
      items: { anyOf: [PartyReport, KeyReport].map((row) => ({ $ref: getSchemaPath(row) })) },
    },
  })
  report(
    @Query() query: SpendReportQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<(PartyReport | KeyReport)[]> {
    return this.reports.report(query, caller);
  }

  @Get('activity')
  @ApiOperation({ summary: 'How many calls that concern the caller there were on each day, and tokens.' })
  activity(@Query() query: DatesQuery, @CurrentPrincipal() caller: Principal): Promise<GlobalActivity> {
    return this.reports.activityByDay(query, caller);
  }

  @Post('spend/reset')
  @HttpCode(200)
  @ApiOperation({ summary: 'Start again at nothing spent: all keys, all teams and the proxy.' })
  async reset(): Promise<GlobalSpendResetResponse> {
    await this.resets.resetAll();
    return { message: 'Spend for all API Keys and Teams reset successfully', status: 'success' };
  }
}
