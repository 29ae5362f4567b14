import { Controller, Get, Query } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { AdminRoute, CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import { SpendReports } from './spend-reports.js';
import { DailyActivity } from './daily-activity.js';
import { daysOf } from './days.js';
import { DatesQuery } from '../http/dates-query.dto.js';
import { SpendLogs } from './spend-logs.js';
import {
  SessionQuery,
  SessionRow,
  SpendLogPage,
  SpendLogPageQuery,
  SpendLogQuery,
  SpendLogRow,
  SpendLogSummary,
  TagSpendRow,
} from './spend.dto.js';

/** Reports the caller's spend. Never cached: the responses are the current spend. */
@ApiTags('spend')
@AdminRoute()
@Controller('spend')
export class SpendController {
  constructor(
    private readonly ledger: SpendLogs,
    private readonly activity: DailyActivity,
    private readonly reports: SpendReports,
  ) {}

  @Get('logs')
  @ApiOperation({
    summary: 'Ledger entries that concern the caller, newest first; with both days what was spent on each.',
  })
  @ApiExtraModels(SpendLogRow, SpendLogSummary)
  @ApiOkResponse({
    schema: {
      type: 'array',
      items: { anyOf: [SpendLogRow, SpendLogSummary].map((row) => ({ $ref: getSchemaPath(row) })) },
    },
  })
  logs(
    @Query() query: SpendLogQuery,
    @CurrentPrincipal() caller: Principal,
  ): Promise<(SpendLogRow | SpendLogSummary)[]> {
    const { start_date, end_date, summarize = true } = query;
    if (!summarize || selectsEntries(query) || start_date === undefined || end_date === undefined)
      return this.ledger.list(query, caller);
    return this.activity.summary({ ...query, caller, days: daysOf({ start_date, end_date }) });
  }

  @Get('logs/v2')
  @ApiOperation({ summary: 'A page of ledger entries that concern the caller, newest first.' })
  page(@Query() query: SpendLogPageQuery, @CurrentPrincipal() caller: Principal): Promise<SpendLogPage> {
    return this.ledger.page(query, caller);
  }

  @Get('sessions')
  @ApiOperation({
    summary: 'What the sessions of clients cost, the latest first: calls that concern the caller.',
    description: 'Default: the last 7 days.',
  })
  sessions(@Query() query: SessionQuery, @CurrentPrincipal() caller: Principal): Promise<SessionRow[]> {
    return this.ledger.sessions(query, caller);
  }

  @Get('tags')
  @ApiOperation({ summary: 'What calls that concern the caller cost, by tag, dearest first.' })
  async byTag(@Query() query: DatesQuery, @CurrentPrincipal() caller: Principal): Promise<TagSpendRow[]> {
    return (await this.reports.byTag(query, caller)).map(({ name, calls, spend }) => ({
      individual_request_tag: name,
      log_count: calls,
      total_spend: spend,
    }));
  }
}

/** Filters by facts that only single entries have. With one of them the response is no summary. */
const ENTRY_FILTERS = [
  'request_id',
  'session_id',
  'trace_id',
  'user_agent',
  'originator',
  'call_type',
] as const satisfies readonly (keyof SpendLogQuery)[];

const selectsEntries = (query: SpendLogQuery): boolean =>
  ENTRY_FILTERS.some((name) => query[name] !== undefined);
