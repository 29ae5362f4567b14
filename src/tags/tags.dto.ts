import { ApiProperty, ApiPropertyOptional, IntersectionType, OmitType } from '@nestjs/swagger';
import { IsArray, IsOptional, IsString, MaxLength } from 'class-validator';
import { IsFlag } from '../http/is-flag.js';
import { DatesQuery } from '../http/dates-query.dto.js';
import { FreeContent, OnlyLooksUp } from '../http/free-content.js';
import { AuthoredResponse, BudgetTable } from '../parties/limits-response.dto.js';
import { BudgetLimitDto, PartyDto } from '../parties/limits.dto.js';
import { DeclaredBy } from '../http/unknown-fields.js';
import { PageQuery } from '../http/pagination.js';
import { IsTextList } from '../http/text-fields.js';
import { TAG_FIELDS } from '../parties/fields/tag-fields.js';
import { ShowsFields } from '../parties/fields/own-field.js';
import { ShowsExtraFields } from '../parties/fields/shows-extra-fields.js';
import { IsTagName } from './is-tag-name.js';

const MAX_DESCRIPTION_CHARS = 10_000;

/** A new tag, or changes of a tag: absent keeps, null clears. */
@DeclaredBy(TAG_FIELDS)
export class TagDto extends OmitType(PartyDto, ['models'] as const) {
  @IsTagName()
  name: string;

  @ApiPropertyOptional({ nullable: true, type: String, example: 'Calls of the nightly batch' })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_DESCRIPTION_CHARS)
  @FreeContent()
  description?: string | null;

  /** The deployments to which LiteLLM would route this tag. Stored as sent; it limits nothing. */
  @ApiPropertyOptional({ nullable: true, type: [String] })
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  models?: string[] | null;

  @IsFlag({ nullable: true })
  blocked?: boolean | null;
}

/** The page of tags to list, and the days whose calls are searched for names. */
export class TagListQuery extends IntersectionType(PageQuery, DatesQuery) {}

@OnlyLooksUp()
export class TagNamesDto {
  @IsTextList(['batch'])
  names: string[];
}

export class TagNameDto {
  @IsTagName()
  name: string;
}

/** A tag as LiteLLM shows it. Limits that are not set on the tag itself are absent. */
@ShowsFields(TAG_FIELDS)
@ShowsExtraFields(TAG_FIELDS)
export class TagRow extends AuthoredResponse {
  name: string;
  description: string | null;
  models: string[];

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  model_info: Record<string, unknown> | null;

  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: Record<string, unknown>;
  blocked: boolean;

  /** US dollars. */
  spend: number;

  /** US dollars. */
  max_budget?: number;

  /** US dollars. */
  soft_budget?: number;
  budget_duration?: string;
  budget_limits?: BudgetLimitDto[];

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  model_max_budget?: Record<string, unknown>;
  tpm_limit?: number;
  rpm_limit?: number;
  max_parallel_requests?: number;
  budget_id?: string;

  /** Limits of the tag, filled with those of its tier. */
  litellm_budget_table: BudgetTable | null;
}

/** A name that calls carry and that has no row. */
export class DynamicTag {
  name: string;
  description: string;

  @ApiProperty({ type: [String], nullable: true })
  models: null;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  model_info: null;
}

export class ChangedTag {
  message: string;
  tag: TagRow;
}

export class TagDeleted {
  message: string;
}
