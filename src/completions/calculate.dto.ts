import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsArray, IsObject, IsOptional, IsString } from 'class-validator';
import { FreeContent } from '../http/free-content.js';

/** A prompt for a model, or what came back from it. */
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

  /** With its `usage`; its `model` counts where none is given beside it. */
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
