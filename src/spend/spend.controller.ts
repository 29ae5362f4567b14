import { Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute, Caller } from '../http/doors.js';
import type { Authority } from '../policy/authority.js';
import { SpendReset } from './spend-reset.js';
import { SpendReports } from './spend-reports.js';
import {
  GlobalSpend,
  GlobalSpendTagsQuery,
  GlobalTagSpend,
  SpendLogQuery,
  SpendLogRow,
  SpendTagsQuery,
  SpendWasReset,
  TagSpendRow,
} from './spend.dto.js';

/** LiteLLM's word for no choice among tags. */
const ALL_TAGS = 'all-tags';

/** Where the money went. Never cached: these answers are the spend. */
@ApiTags('spend')
@AdminRoute()
@Controller()
export class SpendController {
  constructor(
    private readonly reports: SpendReports,
    private readonly resets: SpendReset,
  ) {}

  @Get('spend/logs')
  @ApiOperation({ summary: 'Ledger entries that concern the caller, newest first.' })
  @ApiOkResponse({ type: [SpendLogRow] })
  logs(@Query() query: SpendLogQuery, @Caller() caller: Authority): Promise<object[]> {
    return this.reports.logs(query, caller);
  }

  @Get('spend/tags')
  @ApiOperation({ summary: 'What calls that concern the caller cost, by tag, dearest first.' })
  async byTag(@Query() query: SpendTagsQuery, @Caller() caller: Authority): Promise<TagSpendRow[]> {
    return (await this.reports.byTag(query, caller)).map(({ name, calls, spend }) => ({
      individual_request_tag: name,
      log_count: calls,
      total_spend: spend,
    }));
  }

  @Get('global/spend')
  @ApiOperation({ summary: 'What was spent in all.' })
  global(): Promise<GlobalSpend> {
    return this.reports.global();
  }

  @Get('global/spend/tags')
  @ApiOperation({ summary: 'What calls cost, by tag, dearest first.' })
  async globalByTag(
    @Query() { tags = ALL_TAGS, ...days }: GlobalSpendTagsQuery,
    @Caller() caller: Authority,
  ): Promise<GlobalTagSpend> {
    const names = tags.split(',').map((name) => name.trim());
    const only = names.includes(ALL_TAGS) ? undefined : names;
    const rows = await this.reports.byTag(days, caller, only);
    return { spend_per_tag: rows.map(({ name, calls, spend }) => ({ name, spend, log_count: calls })) };
  }

  @Post('global/spend/reset')
  @HttpCode(200)
  @ApiOperation({ summary: 'Start again at nothing spent: all keys, all teams and the proxy.' })
  async reset(): Promise<SpendWasReset> {
    await this.resets.everything();
    return { message: 'Spend for all API Keys and Teams reset successfully', status: 'success' };
  }
}
