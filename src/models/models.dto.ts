import { ApiProperty, ApiPropertyOptional, IntersectionType, OmitType, PickType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsObject, IsOptional, IsString, Max, Min } from 'class-validator';
import { IsFlag } from '../http/is-flag.js';
import { FreeContent, OnlyLooksUp } from '../http/free-content.js';
import { CurrentPageInfo } from '../http/page-info.dto.js';
import { MAX_PAGE_SIZE, PageQuery } from '../http/pagination.js';
import { IsRequiredText, IsOptionalText } from '../http/text-fields.js';

/** A deployment to add: LiteLLM's `Deployment`. */
export class NewModelDto {
  /** The name callers use; may contain `*`. */
  @IsRequiredText('gpt-4o-mini')
  model_name: string;

  /** Connection and prices: `model` (`<provider>/<name>`), `api_base`, `api_key` … Secrets are encrypted and never returned. */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { model: 'openai/gpt-4o-mini', api_key: 'sk-provider-key' },
  })
  @IsObject()
  @FreeContent()
  litellm_params: Record<string, unknown>;

  /** `id` (generated if absent), `mode`, `access_groups`, prices, limits, and any other member. */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { access_groups: ['beta-models'] },
  })
  @IsOptional()
  @IsObject()
  @FreeContent()
  model_info?: Record<string, unknown> | null;
}

/** Changes of a deployment. Absent members stay; `null` removes a member. */
export class ChangeModelDto {
  @IsOptionalText('gpt-4o-mini')
  model_name?: string | null;

  /** Members to set. All others, including secrets, stay. */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: { api_key: 'sk-provider-key-2', timeout: null },
  })
  @IsOptional()
  @IsObject()
  @FreeContent()
  litellm_params?: Record<string, unknown> | null;

  /** Members to set; `id` cannot change. */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: { access_groups: ['beta-models'] },
  })
  @IsOptional()
  @IsObject()
  @FreeContent()
  model_info?: Record<string, unknown> | null;

  /** If true, the deployment gets no calls. The same as `model_info.blocked`. */
  @IsFlag({ nullable: true })
  blocked?: boolean | null;
}

/** Changes of a deployment in LiteLLM's older form, which has the id in the body. */
export class UpdateModelDto extends OmitType(ChangeModelDto, ['model_info'] as const) {
  /** `id` names the deployment; members beside it are set. */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { id: '0190a5d0-0000-7000-8000-000000000000' },
  })
  @IsObject()
  @FreeContent()
  model_info: Record<string, unknown>;
}

@OnlyLooksUp()
export class DeleteModelDto {
  /** `model_info.id` of the deployment. */
  @IsRequiredText('0190a5d0-0000-7000-8000-000000000000')
  id: string;
}

export class ModelInfoQuery {
  /** Only this deployment. */
  @IsOptional()
  @IsString()
  litellm_model_id?: string;

  /** Only models of this team. */
  @IsOptional()
  @IsString()
  team_id?: string;
}

export class ModelPageQuery extends PickType(PageQuery, ['page']) {
  /** Only deployments of exactly this name. */
  @IsOptional()
  @IsString()
  model?: string;

  /** Only this deployment. */
  @IsOptional()
  @IsString()
  modelId?: string;

  /** Only models of this team. */
  @IsOptional()
  @IsString()
  teamId?: string;

  /** Part of the name, whatever its letter case. */
  @IsOptional()
  @IsString()
  search?: string;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_PAGE_SIZE)
  size?: number;
}

export class ModelGroupQuery {
  /** Only this model. */
  @IsOptional()
  @IsString()
  model_group?: string;
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

export class ModelPage extends IntersectionType(ModelInfoList, CurrentPageInfo) {
  size: number;
}

/** Properties of a public name: the maximum sizes and prices of its deployments. */
export class ModelGroupInfo {
  model_group: string;
  providers: string[];
  max_input_tokens: number | null;
  max_output_tokens: number | null;

  /** US dollars; null when no price is known. */
  input_cost_per_token: number | null;
  output_cost_per_token: number | null;
  mode: string | null;
  tpm: number | null;
  rpm: number | null;
  supports_function_calling: boolean;
  supports_parallel_function_calling: boolean;
  supports_reasoning: boolean;
  supports_url_context: boolean;
  supports_vision: boolean;
  supports_web_search: boolean;
}

export class ModelGroupList {
  data: ModelGroupInfo[];
}

export class DeletedModel {
  @ApiProperty({ example: 'Model: gpt-4o-mini deleted successfully' })
  message: string;
}
