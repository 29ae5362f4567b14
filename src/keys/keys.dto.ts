import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsNumber,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
} from 'class-validator';
import { MAX_PAGE_SIZE } from '../http/page.js';
import { AlsoTakes } from '../http/unread-fields.js';
import { IsAliases } from '../parties/aliases.js';
import { IsLifetime } from '../parties/duration.js';
import type { KeptFields } from '../parties/kept-fields.js';
import { PartyDto } from '../parties/limits.dto.js';

/** LiteLLM's fields of a key that are kept as sent. */
export const KEPT_OF_KEYS: KeptFields = {
  config: 'mapping',
  permissions: 'mapping',
  model_rpm_limit: 'mapping',
  model_tpm_limit: 'mapping',
  allowed_cache_controls: 'list',
  guardrails: 'list',
  policies: 'list',
  prompts: 'list',
  tags: 'tags',
  enforced_params: 'list',
  access_group_ids: 'list',
  allowed_passthrough_routes: 'list',
  object_permission: 'mapping',
  router_settings: 'mapping',
  rpm_limit_type: 'text',
  tpm_limit_type: 'text',
  disable_global_guardrails: 'flag',
  agent_id: 'text',
  project_id: 'text',
  auto_rotate: 'flag',
  rotation_interval: 'text',
};

/** What a key can be given, at its making and later. */
@AlsoTakes(KEPT_OF_KEYS)
export class KeyFieldsDto extends PartyDto {
  /** A name people recognise; no two live keys share one. */
  @ApiPropertyOptional({ nullable: true, type: String, example: 'ci-pipeline' })
  @IsOptional()
  @IsString()
  key_alias?: string | null;

  /** How long the key lives: `30d`, `1mo`. Null or `-1`: for ever. */
  @IsOptional()
  @IsLifetime()
  duration?: string | null;

  /** Whose key it is. Created if there is no such user. */
  @ApiPropertyOptional({ nullable: true, type: String, example: 'alice' })
  @IsOptional()
  @IsString()
  user_id?: string | null;

  /** The team it belongs to. */
  @ApiPropertyOptional({ nullable: true, type: String, example: 'team-1' })
  @IsOptional()
  @IsString()
  team_id?: string | null;

  /** The organization it belongs to; else its team's. */
  @ApiPropertyOptional({ nullable: true, type: String, example: 'acme' })
  @IsOptional()
  @IsString()
  organization_id?: string | null;

  @IsOptional()
  @IsBoolean()
  blocked?: boolean | null;

  /** Routes it may call: groups (`llm_api_routes`), routes, templates, `/prefix/*`. `[]` is unrestricted. */
  @ApiPropertyOptional({ type: [String], example: ['llm_api_routes'] })
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  allowed_routes?: string[] | null;

  /** Names this key may use for models: `{"fast": "gpt-4o-mini"}`. */
  @IsOptional()
  @IsAliases()
  aliases?: Record<string, string> | null;

  @IsOptional()
  @IsNumber()
  spend?: number | null;
}

/** A key to make. */
export class GenerateKeyDto extends KeyFieldsDto {
  /** The key itself, if you want to choose it: `sk-…`. */
  @ApiPropertyOptional({ nullable: true, type: String })
  @IsOptional()
  @Matches(/^sk-[\x21-\x7e]{5,}$/, {
    message: '$property must start with sk- and have at least 8 characters',
  })
  key?: string | null;

  /** A preset of `allowed_routes`. */
  @ApiPropertyOptional({ enum: ['default', 'llm_api', 'management', 'read_only'] })
  @IsOptional()
  @IsIn(['default', 'llm_api', 'management', 'read_only'])
  key_type?: 'default' | 'llm_api' | 'management' | 'read_only' | null;
}

/** What to change; absent keeps, null clears. */
export class UpdateKeyDto extends KeyFieldsDto {
  /** The key, or its hash. */
  @ApiProperty({ example: 'sk-1234567890abcdef' })
  @IsString()
  @IsNotEmpty()
  key: string;
}

export class DeleteKeysDto {
  /** Keys or hashes. */
  @ApiPropertyOptional({ type: [String], example: ['sk-1234567890abcdef'] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_PAGE_SIZE)
  @IsString({ each: true })
  keys?: string[] | null;

  @ApiPropertyOptional({ type: [String], example: ['ci-pipeline'] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_PAGE_SIZE)
  @IsString({ each: true })
  key_aliases?: string[] | null;
}

export class BlockKeyDto {
  /** The key, or its hash. */
  @ApiProperty({ example: 'sk-1234567890abcdef' })
  @IsString()
  @IsNotEmpty()
  key: string;
}

export class KeyInfoQuery {
  /** The key or its hash; absent: the calling key. */
  @IsOptional()
  @IsString()
  key?: string;
}

const SORTABLE = ['created_at', 'updated_at', 'key_alias', 'token', 'max_budget'] as const;

export class KeyListQuery {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  page?: number;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  size?: number;

  @IsOptional()
  @IsString()
  user_id?: string;

  @IsOptional()
  @IsString()
  team_id?: string;

  @IsOptional()
  @IsString()
  organization_id?: string;

  @IsOptional()
  @IsString()
  key_hash?: string;

  @IsOptional()
  @IsString()
  key_alias?: string;

  /** Whole keys instead of hashes. */
  @ApiPropertyOptional({ type: Boolean })
  @IsOptional()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : (value as unknown)))
  @IsBoolean()
  return_full_object?: boolean;

  @ApiPropertyOptional({ enum: SORTABLE })
  @IsOptional()
  @IsIn(SORTABLE)
  sort_by?: (typeof SORTABLE)[number];

  @ApiPropertyOptional({ enum: ['asc', 'desc'] })
  @IsOptional()
  @IsIn(['asc', 'desc'])
  sort_order?: 'asc' | 'desc';
}

/** A key as LiteLLM tells it. */
export class KeyRow {
  token: string;
  key_name: string;
  key_alias: string | null;
  spend: number;
  max_budget: number | null;
  expires: string | null;
  models: string[];
  user_id: string | null;
  team_id: string | null;
  organization_id: string | null;
  blocked: boolean | null;
  budget_duration: string | null;
  budget_reset_at: string | null;
  allowed_routes: string[];

  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: Record<string, unknown>;
  created_at: string;
  updated_at: string;
}

export class GeneratedKey extends KeyRow {
  /** The key. It is told here and never again. */
  key: string;
  token_id: string;
}

export class UpdatedKey extends KeyRow {
  key: string;
}

export class DeletedKeys {
  deleted_keys: string[];
}

export class KeyInfo {
  /** As asked for, or the hash. */
  key: string;
  info: KeyRow;
}

export class KeyList {
  /** Hashes, or whole keys with `return_full_object`. */
  @ApiProperty({
    type: 'array',
    items: { oneOf: [{ type: 'string' }, { type: 'object', additionalProperties: true }] },
  })
  keys: unknown[];
  total_count: number;
  current_page: number;
  total_pages: number;
}
