import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, IntersectionType, OmitType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsISO8601, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { DatesQuery } from '../http/dates-query.dto.js';
import { IsFlag } from '../http/is-flag.js';
import { IsOneOf } from '../http/is-one-of.js';
import { PageInfo } from '../http/page-info.dto.js';
import { PageQuery } from '../http/pagination.js';
import { SORT_ORDERS, type SortOrder } from '../http/sort-order.js';
import { IsUsd } from '../parties/usd.js';

const STATUSES = ['success', 'failure'] as const;
const MAX_LOGS = 100;

/** Selects ledger entries. */
export class SpendLogQuery extends IntersectionType(PageQuery, DatesQuery) {
  /** A key or its hash. */
  @IsOptional()
  @IsString()
  api_key?: string;

  @IsOptional()
  @IsString()
  user_id?: string;

  @IsOptional()
  @IsString()
  team_id?: string;

  @IsOptional()
  @IsString()
  end_user?: string;

  /** The `id` of an answer, or the `x-litellm-call-id` or `x-request-id` of a response. */
  @IsOptional()
  @IsString()
  request_id?: string;

  /** Only calls of this session of a client. */
  @IsOptional()
  @IsString()
  session_id?: string;

  @IsOptional()
  @IsString()
  trace_id?: string;

  /** The product of the client's `user-agent`, or product and version, or all of it. */
  @ApiPropertyOptional({ example: 'claude-cli' })
  @IsOptional()
  @IsString()
  user_agent?: string;

  /** The program that a coding agent names in its header `originator`. */
  @ApiPropertyOptional({ example: 'codex_exec' })
  @IsOptional()
  @IsString()
  originator?: string;

  /** A type of call by LiteLLM's name (`acompletion`) or by this gateway's (`chat_completion`). */
  @IsOptional()
  @IsString()
  call_type?: string;

  /** If both days are set, the response is one row of sums per day, unless this is false. */
  @IsFlag()
  summarize?: boolean;
}

const INSTANT = /^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}:\d{2}Z?)?$/;
const IsInstant = () =>
  applyDecorators(
    ApiPropertyOptional({ example: '2026-11-01 00:00:00' }),
    IsOptional(),
    Matches(INSTANT, { message: '$property must be an instant, YYYY-MM-DD HH:MM:SS' }),
    IsISO8601({ strict: true }, { message: '$property must be an instant there is' }),
  );

/** Selects a page of ledger entries. Both instants (UTC) are required. */
export class SpendLogPageQuery extends OmitType(SpendLogQuery, ['start_date', 'end_date', 'page_size', 'summarize']) {
  @IsInstant()
  start_date?: string;

  @IsInstant()
  end_date?: string;

  /** Default: 50. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_LOGS)
  page_size?: number;

  @IsOptional()
  @Type(() => Number)
  @IsUsd({ required: false })
  min_spend?: number;

  @IsOptional()
  @Type(() => Number)
  @IsUsd({ required: false })
  max_spend?: number;

  /** Only calls whose output limit the gateway lowered; false: only others. */
  @IsFlag()
  clamped?: boolean;

  @IsOneOf(STATUSES)
  status_filter?: (typeof STATUSES)[number];

  /** The public model name of the call. */
  @IsOptional()
  @IsString()
  model?: string;

  @IsOptional()
  @IsString()
  model_id?: string;

  @IsOptional()
  @IsString()
  key_alias?: string;

  /** Selects nothing: the reason of a failure is not stored. */
  @IsOptional()
  @IsString()
  error_code?: string;

  /** Selects nothing, like `error_code`. */
  @IsOptional()
  @IsString()
  error_message?: string;

  @IsOneOf(['startTime'])
  sort_by?: 'startTime';

  @IsOneOf(SORT_ORDERS, { default: 'desc' })
  sort_order?: SortOrder;
} // prettier-ignore

/** Selects days and tags. Default: the last 30 days. */
export class GlobalSpendTagsQuery extends DatesQuery {
  /** Names, separated by commas. Absent or `all-tags`: every tag. */
  @IsOptional()
  @IsString()
  tags?: string;
}

export class TagSpendRow {
  individual_request_tag: string;
  log_count: number;
  /** USD. */
  total_spend: number;
}

export class GlobalTagSpendRow {
  name: string;
  /** USD. */
  spend: number;
  log_count: number;
}

export class GlobalTagSpend {
  spend_per_tag: GlobalTagSpendRow[];
}

/** Output limits of each answer in a call whose limit the gateway lowered. */
export class ClampedOutput {
  /** The limit of the client, or the maximum of the model. Null if neither is known. */
  @ApiProperty({ type: 'integer', nullable: true, example: 64_000 })
  asked: number | null;
  /** The limit that the provider got. */
  @ApiProperty({ type: 'integer', example: 10_587 })
  sent: number;
}

/** The cost of a call by discount and margin, in USD. Shares are parts of one. */
export class CostBreakdown {
  /** The cost by the list price. */
  original_cost: number;
  @ApiProperty({ example: 0.05 })
  discount_percent: number;
  discount_amount: number;
  @ApiProperty({ example: 0.1 })
  margin_percent: number;
  /** The amount of each call, a part of `margin_total_amount`. */
  margin_fixed_amount: number;
  margin_total_amount: number;
  total_cost: number;
}

export class SpendLogMetadata {
  user_api_key_alias: string | null;
  /** Amounts that were billed, by name; `serviceTier`; what the provider says the call cost; the names of counts that no price reads. */
  @ApiProperty({ type: 'object', additionalProperties: {}, nullable: true })
  usage_object: object | null;
  /** Why the entry is not as usual, such as `estimated` or `provider_bill`. */
  mark: string | null;
  /** Null if the output limit was not lowered. */
  @ApiProperty({ type: ClampedOutput, nullable: true })
  clamped: ClampedOutput | null;
  /** Null if neither a discount nor a margin was in force. */
  @ApiProperty({ type: CostBreakdown, nullable: true })
  cost_breakdown: CostBreakdown | null;
  /** IP address of the client; null if it is not stored. */
  @ApiProperty({ type: String, nullable: true, example: '203.0.113.9' })
  requester_ip_address: string | null;
  /** The trace that the client named. */
  trace_id: string | null;
  /** The `user-agent` of the client, shortened. */
  user_agent: string | null;
  /** The program that a coding agent named beside it. */
  originator: string | null;
  /** Labels that the request, its key and its team named. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  spend_logs_metadata: Record<string, unknown> | null;
}

/** One closed attempt, in the shape of LiteLLM's spend log row. */
export class SpendLogRow {
  /** The `id` of the answer; the call id if the answer has none. */
  request_id: string;
  /** The gateway's id of this attempt: the `x-litellm-call-id` of the response, unless the client named one. */
  litellm_call_id: string;
  /** The `x-litellm-call-id` that the client named, else the `x-request-id` of the response. */
  x_request_id: string;
  /** The session that the client named. */
  session_id: string | null;
  /** LiteLLM's name of the type of call. */
  @ApiProperty({ example: 'acompletion' })
  call_type: string;
  /** The key's hash; empty for the master key. */
  api_key: string;
  /** USD. */
  spend: number;
  total_tokens: number;
  prompt_tokens: number;
  completion_tokens: number;
  startTime: string;
  @ApiProperty({ type: String, nullable: true })
  endTime: string | null;
  model: string;
  model_id: string;
  model_group: string;
  custom_llm_provider: string;
  user: string;
  team_id: string | null;
  organization_id: string | null;
  end_user: string | null;
  request_tags: string[];
  /** IP address of the client; null if it is not stored. */
  @ApiProperty({ type: String, nullable: true, example: '203.0.113.9' })
  requester_ip_address: string | null;
  @ApiProperty({ enum: STATUSES })
  status: (typeof STATUSES)[number];
  metadata: SpendLogMetadata;
}

/** Selects calls of sessions. Default: the last 7 days. */
export class SessionQuery extends OmitType(SpendLogQuery, ['request_id', 'summarize'] as const) {}

/** The calls of one session that concern the caller. */
export class SessionRow {
  session_id: string;
  /** Attempts included. */
  calls: number;
  failed_calls: number;
  /** USD. */
  spend: number;
  /** When its first call of these days began. */
  startTime: string;
  /** When its last call began. */
  endTime: string;
}

/** One day of the caller's spend, with further members: the USD of each key by its hash. */
export class SpendLogSummary {
  @ApiProperty({ format: 'date', example: '2026-11-01' })
  startTime: string;
  /** USD. */
  spend: number;
  /** USD by user id: the 100 with the highest spend. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'number' } })
  users: Record<string, number>;
  /** USD by model: the 100 with the highest spend. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'number' } })
  models: Record<string, number>;
}

export class SpendLogPage extends PageInfo {
  data: SpendLogRow[];
  /** Counted up to 10,000. */
  declare total: number;
}

export class GlobalSpend {
  /** USD, since the first call. */
  spend: number;
  max_budget: number | null;
}

export class GlobalSpendResetResponse {
  message: string;
  @ApiProperty({ enum: ['success'] })
  status: 'success';
}
