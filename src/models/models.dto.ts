import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsNotEmpty, IsObject, IsOptional, IsString } from 'class-validator';

/** A deployment to add: LiteLLM's `Deployment`. */
export class NewModelDto {
  /** The name callers use; may contain `*`. */
  @ApiProperty({ example: 'gpt-4o-mini' })
  @IsString()
  @IsNotEmpty()
  model_name: string;

  /** How it is reached: `model` (`<provider>/<name>`), `api_base`, `api_key`, prices … Secrets are encrypted and never returned. */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { model: 'openai/gpt-4o-mini', api_key: 'sk-provider-key' },
  })
  @IsObject()
  litellm_params: Record<string, unknown>;

  /** `id` (made if absent), `mode`, `access_groups`, prices, limits, anything. */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { access_groups: ['beta-models'] },
  })
  @IsOptional()
  @IsObject()
  model_info?: Record<string, unknown> | null;
}

export class DeleteModelDto {
  /** `model_info.id` of the deployment. */
  @ApiProperty({ example: '0190a5d0-0000-7000-8000-000000000000' })
  @IsString()
  @IsNotEmpty()
  id: string;
}

export class ModelInfoQuery {
  /** Only this deployment. */
  @IsOptional()
  @IsString()
  litellm_model_id?: string;
}

/** A stored deployment. */
export class ModelRow {
  model_id: string;
  model_name: string;

  @ApiProperty({ type: 'object', additionalProperties: true })
  litellm_params: Record<string, unknown>;

  @ApiProperty({ type: 'object', additionalProperties: true })
  model_info: Record<string, unknown>;
  created_at: string;
  created_by: string;
  updated_at: string;
  updated_by: string;
}

export class ModelInfoEntry {
  model_name: string;

  @ApiProperty({ type: 'object', additionalProperties: true })
  litellm_params: Record<string, unknown>;

  @ApiProperty({ type: 'object', additionalProperties: true })
  model_info: Record<string, unknown>;
}

export class ModelInfoList {
  data: ModelInfoEntry[];
}

export class DeletedModel {
  @ApiProperty({ example: 'Model: gpt-4o-mini deleted successfully' })
  message: string;
}
