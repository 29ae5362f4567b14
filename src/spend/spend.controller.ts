import { Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminRoute, Caller } from '../http/doors.js';
import type { Authority } from '../policy/authority.js';
import { SpendReset } from './spend-reset.js';
import { SpendReports } from './spend-reports.js';
import { GlobalSpend, SpendWasReset, SpendLogQuery, SpendLogRow } from './spend.dto.js';

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

  @Get('global/spend')
  @ApiOperation({ summary: 'What was spent in all.' })
  global(): Promise<GlobalSpend> {
    return this.reports.global();
  }

  @Post('global/spend/reset')
  @HttpCode(200)
  @ApiOperation({ summary: 'Start again at nothing spent: all keys, all teams and the proxy.' })
  async reset(): Promise<SpendWasReset> {
    await this.resets.everything();
    return { message: 'Spend for all API Keys and Teams reset successfully', status: 'success' };
  }
}
