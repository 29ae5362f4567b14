import { ApiProperty, ApiPropertyOptional, OmitType, PickType } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsOptional,
  IsString,
  MaxLength,
} from 'class-validator';
import { FreeContent, OnlyLooksUp } from '../http/free-content.js';
import { MAX_PAGE_SIZE } from '../http/page.js';
import { AlsoTakes } from '../http/unread-fields.js';
import type { KeptFields } from '../parties/kept-fields.js';
import { PartyDto } from '../parties/limits.dto.js';
import { SpendLogQuery } from '../spend/reports/spend.dto.js';
import { IsTagName } from './is-tag-name.js';

const MAX_DESCRIPTION_CHARS = 10_000;

/** LiteLLM's fields of a tag that are kept as sent. */
export const KEPT_OF_TAGS: KeptFields = { model_info: 'mapping' };

/** A tag to make, or what to change of one: absent keeps, null clears. */
@AlsoTakes(KEPT_OF_TAGS)
export class TagDto extends OmitType(PartyDto, ['models'] as const) {
  @IsTagName()
  name: string;

  @ApiPropertyOptional({ nullable: true, type: String, example: 'Calls of the nightly batch' })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_DESCRIPTION_CHARS)
  @FreeContent()
  description?: string | null;

  /** Kept as sent: which deployments LiteLLM would route this tag to. Limits nobody. */
  @ApiPropertyOptional({ nullable: true, type: [String] })
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  models?: string[] | null;

  @IsOptional()
  @IsBoolean()
  blocked?: boolean | null;
}

/** Which tags to list: a page, and the days whose calls are asked for names. */
export class TagListQuery extends PickType(SpendLogQuery, ['page', 'page_size', 'start_date', 'end_date']) {}

@OnlyLooksUp()
export class TagNamesDto {
  @ApiProperty({ type: [String], example: ['batch'] })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_PAGE_SIZE)
  @IsString({ each: true })
  names: string[];
}

export class TagNameDto {
  @IsTagName()
  name: string;
}

/** A tag as LiteLLM tells it; the limits it was given itself stand beside these. */
export class TagRow {
  name: string;
  description: string | null;
  models: string[];

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  model_info: Record<string, unknown> | null;

  blocked: boolean;
  spend: number;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  litellm_budget_table: Record<string, unknown> | null;

  created_at: string;
  created_by: string;
  updated_at: string;
  updated_by: string;
}

export class ChangedTag {
  message: string;
  tag: TagRow;
}

export class TagDeleted {
  message: string;
}
