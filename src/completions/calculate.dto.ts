import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsArray, IsObject, IsOptional, IsString } from 'class-validator';
import { FreeContent } from '../http/free-content.js';

/** A prompt for a model, or the model's response. */
export class CalculateSpendDto {
  @ApiPropertyOptional({ example: 'gpt-4o-mini' })
  @IsOptional()
  @IsString()
  model?: string;

  @ApiPropertyOptional({ type: [Object], example: [{ role: 'user', content: 'Hello!' }] })
  @IsOptional()
  @IsArray()
  @FreeContent()
  messages?: unknown[];

  /** A response with its `usage`. Its `model` counts if `model` is absent. */
  @ApiPropertyOptional({ type: Object, additionalProperties: true })
  @IsOptional()
  @IsObject()
  @FreeContent()
  completion_response?: Record<string, unknown>;
}

export class CalculatedSpend {
  /** USD. */
  @ApiProperty({ example: 0.0021 })
  cost: number;
}
