import {
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  getSchemaPath,
  IntersectionType,
  OmitType,
  PickType,
} from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsObject, IsOptional, IsString, Max, Min } from 'class-validator';
import { IsFlag } from '../http/is-flag.js';
import { FreeContent, OnlyLooksUp } from '../http/free-content.js';
import { CurrentPageInfo } from '../http/page-info.dto.js';
import { MAX_PAGE_SIZE, PageQuery } from '../http/pagination.js';
import { IsRequiredText, IsOptionalText } from '../http/text-fields.js';
import type { MemberSource } from './deployment-prices.js';

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

  /**
   * Sizes, mode, abilities, and the prices that count before discount and margin, under LiteLLM's names. Proxy admins also see
   * what is configured, `cost_discount`, `cost_margin`, and the source of each price in `price_sources`.
   */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: {
      id: '0190a5d0-0000-7000-8000-000000000000',
      mode: 'chat',
      input_cost_per_token: 0.0000025,
      supports_vision: true,
      price_sources: { input_cost_per_token: { source: 'litellm' } },
    },
  })
  model_info: Record<string, unknown>;
}

export class ModelInfoList {
  data: ModelInfoEntry[];
}

export class ModelPage extends IntersectionType(ModelInfoList, CurrentPageInfo) {
  size: number;
}

/** A margin as administrators see it. */
export class ShownMargin {
  /** A share of the cost: 0.1 is a tenth. */
  percentage: number;

  /** US dollars for each call. */
  fixed_amount: number;
}

/** The source of a price. */
export class ShownPriceSource {
  /** `file`, `database` (a deployment that was added), `cost_map`, `tollgate`, `litellm`, `genai-prices` or `self-hosted`. */
  @ApiProperty({ type: String, example: 'litellm' })
  source: MemberSource['source'];

  /** Why Tollgate corrects LiteLLM's table. */
  text?: string;
}

/** Properties of a public name: the maximum sizes and prices of its deployments. */
@ApiExtraModels(ShownPriceSource)
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

  /** Null if no deployment is known to have the ability, and one is in no table. */
  supports_function_calling: boolean | null;
  supports_parallel_function_calling: boolean | null;
  supports_reasoning: boolean | null;
  supports_url_context: boolean | null;
  supports_vision: boolean | null;
  supports_web_search: boolean | null;

  /** The smallest discount of its deployments. Only proxy admins see it, and only if calls have a discount or a margin. */
  cost_discount?: number;

  /** The largest margin of its deployments. Only proxy admins see it, and only if calls have a discount or a margin. */
  cost_margin?: ShownMargin;

  /** The source of each price. Only proxy admins see it. */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { $ref: getSchemaPath(ShownPriceSource) },
    example: { input_cost_per_token: { source: 'litellm' } },
  })
  price_sources?: Record<string, ShownPriceSource>;
}

export class ModelGroupList {
  data: ModelGroupInfo[];
}

export class DeletedModel {
  @ApiProperty({ example: 'Model: gpt-4o-mini deleted successfully' })
  message: string;
}
