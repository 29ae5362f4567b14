import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

const MAX_TOKENS = 1_000_000_000;
const MAX_REQUESTS = 1_000_000_000;

/** A call whose cost a caller wants to know. */
export class CostEstimateDto {
  @ApiProperty({ example: 'gpt-4o-mini' })
  @IsString()
  @MaxLength(1_024)
  model: string;

  @ApiProperty({ type: 'integer', example: 1_000 })
  @IsInt()
  @Min(0)
  @Max(MAX_TOKENS)
  input_tokens: number;

  @ApiProperty({ type: 'integer', example: 500 })
  @IsInt()
  @Min(0)
  @Max(MAX_TOKENS)
  output_tokens: number;

  /** A part of `input_tokens`. */
  @ApiPropertyOptional({ type: 'integer', default: 0 })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_TOKENS)
  cache_read_input_tokens?: number | null;

  /** A part of `input_tokens`. */
  @ApiPropertyOptional({ type: 'integer', default: 0 })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_TOKENS)
  cache_creation_input_tokens?: number | null;

  /** A part of `output_tokens`. */
  @ApiPropertyOptional({ type: 'integer', default: 0 })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_TOKENS)
  reasoning_tokens?: number | null;

  @ApiPropertyOptional({ type: 'integer', nullable: true })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_REQUESTS)
  num_requests_per_day?: number | null;

  @ApiPropertyOptional({ type: 'integer', nullable: true })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_REQUESTS)
  num_requests_per_month?: number | null;
}

/** The cost of one call, of a day and of a month, in USD. Parts of cache and reasoning are contained in input and output. */
export class CostEstimate {
  model: string;
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
  reasoning_tokens: number;
  @ApiProperty({ type: 'integer', nullable: true })
  num_requests_per_day: number | null;
  @ApiProperty({ type: 'integer', nullable: true })
  num_requests_per_month: number | null;

  /** Input and output, less the discount, with the margin. */
  cost_per_request: number;
  input_cost_per_request: number;
  output_cost_per_request: number;
  discount_cost_per_request: number;
  margin_cost_per_request: number;
  cache_read_cost_per_request: number;
  cache_creation_cost_per_request: number;
  reasoning_cost_per_request: number;

  @ApiProperty({ type: Number, nullable: true })
  daily_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  daily_input_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  daily_output_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  daily_discount_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  daily_margin_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  daily_cache_read_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  daily_cache_creation_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  daily_reasoning_cost: number | null;

  @ApiProperty({ type: Number, nullable: true })
  monthly_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  monthly_input_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  monthly_output_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  monthly_discount_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  monthly_margin_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  monthly_cache_read_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  monthly_cache_creation_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  monthly_reasoning_cost: number | null;

  /** List prices in USD for a token, at the tier of this prompt. Null: as input or output. */
  input_cost_per_token: number;
  output_cost_per_token: number;
  @ApiProperty({ type: Number, nullable: true })
  cache_read_input_token_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  cache_creation_input_token_cost: number | null;
  @ApiProperty({ type: Number, nullable: true })
  output_cost_per_reasoning_token: number | null;
  /** The provider of the dearest deployment. */
  provider: string;
}
