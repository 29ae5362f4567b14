import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsNotEmpty, IsOptional, IsString } from 'class-validator';
import { MAX_PAGE_SIZE } from '../http/page.js';
import { BudgetLimitDto, LimitsDto } from '../parties/limits.dto.js';

/** A tier to make. */
export class NewBudgetDto extends LimitsDto {
  /** What parties name it by; made if absent. */
  @ApiPropertyOptional({ example: 'free-tier' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  budget_id?: string;
}

export class BudgetInfoDto {
  @ApiProperty({ type: [String], example: ['free-tier'] })
  @IsArray()
  @ArrayMaxSize(MAX_PAGE_SIZE)
  @IsString({ each: true })
  budgets: string[];
}

/** A tier. */
export class BudgetRow {
  budget_id: string;
  max_budget: number | null;
  soft_budget: number | null;
  max_parallel_requests: number | null;
  tpm_limit: number | null;
  rpm_limit: number | null;
  budget_duration: string | null;
  budget_reset_at: string | null;

  /** Only when there are any. */
  budget_limits?: BudgetLimitDto[];

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  model_max_budget: Record<string, unknown> | null;
  allowed_models: string[];
  created_at: string;
  created_by: string;
  updated_at: string;
  updated_by: string;
}
