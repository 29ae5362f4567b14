import {
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  IntersectionType,
  OmitType,
} from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsISO8601, IsOptional, IsString, Max, Min } from 'class-validator';
import { MAX_PAGE_SIZE } from '../http/pagination.js';
import { DatesQuery } from '../http/dates-query.dto.js';

const REPORT_GROUPS = ['team', 'customer', 'api_key', 'user_agent', 'originator'] as const;

export class TopSpendQuery {
  /** The number of rows, highest spend first. Default: 100. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_PAGE_SIZE)
  limit?: number;
}

/** Days (both are required), filters and grouping of a spend report. */
export class SpendReportQuery extends DatesQuery {
  /** Default: `team`; with `customer_id` alone `customer`. */
  @ApiPropertyOptional({ enum: REPORT_GROUPS })
  @IsOptional()
  @IsIn(REPORT_GROUPS)
  group_by?: (typeof REPORT_GROUPS)[number];

  /** A key or its hash. */
  @IsOptional()
  @IsString()
  api_key?: string;

  @IsOptional()
  @IsString()
  internal_user_id?: string;

  @IsOptional()
  @IsString()
  team_id?: string;

  @IsOptional()
  @IsString()
  customer_id?: string;
}

/** Whole UTC days from `startTime` to `endTime`, both included. Default: the last 30 days. */
export class EndUserSpendDto {
  @ApiPropertyOptional({ example: '2026-11-01' })
  @IsOptional()
  @IsISO8601({ strict: true })
  startTime?: string;

  @ApiPropertyOptional({ example: '2026-11-30' })
  @IsOptional()
  @IsISO8601({ strict: true })
  endTime?: string;

  /** A key or its hash. */
  @IsOptional()
  @IsString()
  api_key?: string;
}

export class KeySpend {
  /** The hash. */
  api_key: string;
  @ApiProperty({ type: String, nullable: true })
  key_alias: string | null;
  @ApiProperty({ type: String, nullable: true, example: 'sk-...abcd' })
  key_name: string | null;
  /** USD. */
  total_spend: number;
}

export class ModelSpend {
  model: string;
  /** USD. */
  total_spend: number;
}

export class EndUserSpend {
  end_user: string;
  total_count: number;
  /** USD. */
  total_spend: number;
}

export class TeamTotal {
  /** The team's alias, else its id. */
  team_id: string;
  /** USD. */
  total_spend: number;
}

export class TeamSpend {
  /** For each day its `date` and the USD of each team. */
  @ApiProperty({
    type: 'array',
    items: {
      type: 'object',
      additionalProperties: { oneOf: [{ type: 'string' }, { type: 'number' }] },
    },
    example: [{ date: '2026-11-01', 'team-1': 1.5 }],
  })
  daily_spend: Record<string, string | number>[];
  teams: string[];
  total_spend_per_team: TeamTotal[];
}

/** Calls of one key to one model. */
export class CallsReport {
  model: string;
  /** USD. */
  spend: number;
  total_tokens: number;
  /** Hash of the key. */
  api_key: string;
}

/** One team on one day. */
export class TeamReport {
  /** The team's alias, else its id; `Unassigned Team`: calls without a team. */
  @ApiProperty({ example: 'team-1' })
  team_name: string;
  /** USD. */
  @ApiProperty({ example: 1.5 })
  total_spend: number;
  metadata: CallsReport[];
}

/** One customer on one day. */
export class CustomerReport {
  /** Empty: calls without a customer. */
  @ApiProperty({ example: 'customer-42' })
  customer: string;
  /** USD. */
  @ApiProperty({ example: 1.5 })
  total_spend: number;
  metadata: CallsReport[];
}

/** One customer of one team on one day. */
export class TeamCustomerReport extends IntersectionType(TeamReport, CustomerReport) {}

/** One user agent on one day. */
export class UserAgentReport extends OmitType(CustomerReport, ['customer'] as const) {
  @ApiProperty({ example: 'claude-cli/2.1.197' })
  user_agent: string;
}

/** One originator on one day. */
export class OriginatorReport extends OmitType(CustomerReport, ['customer'] as const) {
  @ApiProperty({ example: 'codex_exec' })
  originator: string;
}

/** The spend of one day. */
export class PartyReport {
  @ApiProperty({ example: '2026-11-01T00:00:00+00:00' })
  group_by_day: string;
  /** With `group_by=team`. */
  teams?: TeamReport[];
  /** With `group_by=customer`. */
  customers?: CustomerReport[];
  /** With `team_id` and `customer_id`. */
  teams_customers?: TeamCustomerReport[];
  /** With `group_by=user_agent`. Calls without one are left out. */
  user_agents?: UserAgentReport[];
  /** With `group_by=originator`. Calls without one are left out. */
  originators?: OriginatorReport[];
}

export class KeyModelReport {
  model: string;
  total_cost: number;
  total_input_tokens: number;
  total_output_tokens: number;
}

/** The spend of one key, with `group_by=api_key`, `api_key` or `internal_user_id`. */
@ApiExtraModels(KeyModelReport)
export class KeyReport {
  api_key: string;
  /** USD. */
  total_cost: number;
  total_input_tokens: number;
  total_output_tokens: number;
  model_details: KeyModelReport[];
}

export class DayActivity {
  /** UTC. */
  @ApiProperty({ example: 'Jan 22' })
  date: string;
  api_requests: number;
  total_tokens: number;
}

export class GlobalActivity {
  daily_data: DayActivity[];
  sum_api_requests: number;
  sum_total_tokens: number;
}
