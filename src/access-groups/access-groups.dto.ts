import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { applyDecorators } from '@nestjs/common';
import { FreeContent } from '../http/free-content.js';
import { MAX_PAGE_SIZE } from '../http/pagination.js';
import { IsOptionalTextList } from '../http/text-fields.js';
import { NamesModels } from '../parties/names-models.js';
import { MAX_NAME_CHARS } from '../policy/model-list.js';

const MAX_DESCRIPTION_CHARS = 10_000;

const Name = () => applyDecorators(IsString(), IsNotEmpty(), MaxLength(MAX_NAME_CHARS), NamesModels());

const Texts = (example: readonly string[] = []) =>
  applyDecorators(
    ApiPropertyOptional({ type: [String], nullable: true, example }),
    IsOptional(),
    IsArray(),
    ArrayMaxSize(MAX_PAGE_SIZE),
    IsString({ each: true }),
    IsNotEmpty({ each: true }),
  );

/** Fields of a group of `/v1/access_group`. Absent keeps; null and `[]` empty a list. */
class AccessGroupFieldsDto {
  @ApiPropertyOptional({ type: String, nullable: true, example: 'What is new' })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_DESCRIPTION_CHARS)
  @FreeContent()
  description?: string | null;

  /** Models in the group: names, `openai/*`, `*`. */
  @Texts(['gpt-4o-mini'])
  @NamesModels({ each: true })
  access_model_names?: string[] | null;

  /** Stored as sent. */
  @Texts()
  access_mcp_server_ids?: string[] | null;

  /** Stored as sent. */
  @Texts()
  access_agent_ids?: string[] | null;

  /** Teams that have the group. Their `access_group_ids` name it too. */
  @Texts()
  assigned_team_ids?: string[] | null;

  /** Keys that have the group, by hash. */
  @Texts()
  assigned_key_ids?: string[] | null;
}

export class NewAccessGroupDto extends AccessGroupFieldsDto {
  @ApiProperty({ example: 'beta-models' })
  @Name()
  access_group_name: string;
}

export class UpdateAccessGroupDto extends AccessGroupFieldsDto {
  @ApiPropertyOptional({ type: String, nullable: true, example: 'beta-models' })
  @IsOptional()
  @Name()
  access_group_name?: string | null;
}

/** An access group as `/v1/access_group` shows it. Lists are in the order sent. */
export class AccessGroupRow {
  access_group_id: string;
  access_group_name: string;
  description: string | null;
  access_model_names: string[];
  access_mcp_server_ids: string[];
  access_agent_ids: string[];
  assigned_team_ids: string[];
  assigned_key_ids: string[];
  created_at: string;
  created_by: string;
  updated_at: string;
  updated_by: string;
}

/** Members of a group of `/access_group`. */
export class GroupMembersDto {
  /** Public names of models that the gateway serves. */
  @Texts(['gpt-4o-mini'])
  @NamesModels({ each: true })
  model_names?: string[] | null;

  /** Single deployments, by `model_info.id`. */
  @IsOptionalTextList()
  model_ids?: string[] | null;
}

export class NewModelGroupDto extends GroupMembersDto {
  @ApiProperty({ example: 'beta-models' })
  @Name()
  access_group: string;
}

export class ChangedModelGroup {
  access_group: string;
  model_names: string[] | null;
  model_ids: string[] | null;

  /** Number of deployments in the group. */
  models_updated: number;
}

export class ModelGroupRow {
  access_group: string;
  model_names: string[];
  deployment_count: number;
}

export class ModelGroupRows {
  access_groups: ModelGroupRow[];
}

export class DeletedModelGroup {
  access_group: string;
  models_updated: number;
  message: string;
}
