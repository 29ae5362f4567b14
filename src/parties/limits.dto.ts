import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  ValidateNested,
} from 'class-validator';
import { FreeContent } from '../http/free-content.js';
import { IsNullableText } from '../http/text-fields.js';
import { IsDuration } from './duration.js';
import { MAX_BUDGET_WINDOWS } from './fields/limit-fields.js';
import { IsModelBudgets } from './model-budgets.js';
import { NamesModels } from './names-models.js';
import { HidesNoLimit, NOT_ENFORCED, Refuses } from './not-enforced.js';
import { IsRate, MAX_PARALLEL } from './rate.js';
import { IsUsd } from './usd.js';

/** A further budget window beside the main one. */
export class BudgetLimitDto {
  @IsDuration({ required: true, nullable: false, example: '1d' })
  budget_duration: string;

  @IsUsd()
  max_budget: number;
}

/** Limits of a key, user, team, member, organization, end user or tier. Absent keeps, null clears. */
@Refuses(['tpd_limit'])
export class LimitsDto {
  /** US dollars this party may spend; per `budget_duration` if one is set. 0 allows only free models. */
  @IsOptional()
  @IsUsd({ required: false, nullable: true })
  max_budget?: number | null;

  /** US dollars at which an alert is sent. It never refuses a call. */
  @IsOptional()
  @IsUsd({ required: false, nullable: true })
  soft_budget?: number | null;

  /** How long a budget lasts before it starts again: `30s`, `24h`, `7d`, `30d`, `1mo`. */
  @IsOptional()
  @IsDuration()
  budget_duration?: string | null;

  /** Further budget windows, all of which must have room. */
  @ApiPropertyOptional({ nullable: true, type: [BudgetLimitDto] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_BUDGET_WINDOWS)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => BudgetLimitDto)
  budget_limits?: BudgetLimitDto[] | null;

  /** A budget per model: `{"gpt-4o": {"max_budget": 5, "budget_duration": "1d"}}`. */
  @IsOptional()
  @IsModelBudgets()
  model_max_budget?: Record<string, unknown> | null;

  /** Tokens per minute. */
  @IsRate({ example: 100000 })
  tpm_limit?: number | null;

  /** Requests per minute. */
  @IsRate({ example: 600 })
  rpm_limit?: number | null;

  /** Calls at the same time. */
  @IsRate({ example: 10, most: MAX_PARALLEL })
  max_parallel_requests?: number | null;
}

/** Fields of every party except members, beside the limits. */
@Refuses(NOT_ENFORCED)
export class PartyDto extends LimitsDto {
  /** US dollars added to `max_budget` until `temp_budget_expiry`. */
  @IsOptional()
  @IsUsd({ required: false, nullable: true })
  temp_budget_increase?: number | null;

  /** When `temp_budget_increase` ends. */
  @ApiPropertyOptional({ nullable: true, type: String, example: '2026-12-31T00:00:00Z' })
  @IsOptional()
  @IsISO8601({ strict: true })
  temp_budget_expiry?: string | null;

  /** Sets the spending to this amount in US dollars, by an `adjustment` entry of the ledger. For proxy admins. */
  @IsOptional()
  @IsUsd({ required: false, nullable: true, example: 0 })
  spend?: number | null;

  /** Models that calls may use; `[]` is unrestricted here. Names, `*`, `openai/*`, access groups. */
  @ApiPropertyOptional({ type: [String], example: ['gpt-4o-mini'] })
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  @NamesModels({ each: true })
  models?: string[] | null;

  /** The `budget_id` of a tier (`/budget/new`). Its limits fill the ones left open here. */
  @IsNullableText('free-tier')
  budget_id?: string | null;

  /** Free content, stored as sent. */
  @ApiPropertyOptional({ nullable: true, type: 'object', additionalProperties: true })
  @IsOptional()
  @IsObject()
  @FreeContent()
  @HidesNoLimit()
  metadata?: Record<string, unknown> | null;
}
