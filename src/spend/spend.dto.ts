import { ApiProperty, ApiPropertyOptional, PickType } from '@nestjs/swagger';
import { IsDateString, IsOptional, IsString, Matches } from 'class-validator';
import { PageQuery } from '../http/page.js';

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Which ledger entries to list. */
export class SpendLogQuery extends PageQuery {
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

  /** The `x-request-id` or `x-litellm-call-id` of an answer. */
  @IsOptional()
  @IsString()
  request_id?: string;

  /** First day, UTC. */
  @ApiPropertyOptional({ example: '2026-11-01' })
  @IsOptional()
  @Matches(DAY, { message: '$property must be a day, YYYY-MM-DD' })
  @IsDateString({ strict: true }, { message: '$property must be a day there is' })
  start_date?: string;

  /** Last day, UTC. */
  @ApiPropertyOptional({ example: '2026-11-30' })
  @IsOptional()
  @Matches(DAY, { message: '$property must be a day, YYYY-MM-DD' })
  @IsDateString({ strict: true }, { message: '$property must be a day there is' })
  end_date?: string;
}

/** Which days; without any the last 30. */
export class SpendTagsQuery extends PickType(SpendLogQuery, ['start_date', 'end_date']) {}

/** Which days and which tags. */
export class GlobalSpendTagsQuery extends SpendTagsQuery {
  /** Names, separated by commas. Without any, or `all-tags`: every tag. */
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

/** One settled attempt, LiteLLM's spend log row. */
export class SpendLogRow {
  request_id: string;
  litellm_call_id: string;
  call_type: string;
  /** The key's hash; empty for the master key. */
  api_key: string;
  /** USD. */
  spend: number;
  total_tokens: number;
  prompt_tokens: number;
  completion_tokens: number;
  startTime: string;
  endTime: string;
  model: string;
  model_id: string;
  model_group: string;
  custom_llm_provider: string;
  user: string;
  team_id: string | null;
  organization_id: string | null;
  end_user: string | null;
  request_tags: string[];
  status: string;
}

export class GlobalSpend {
  /** USD, since the first call. */
  spend: number;
  max_budget: number | null;
}

export class SpendWasReset {
  message: string;
  @ApiProperty({ enum: ['success'] })
  status: 'success';
}
