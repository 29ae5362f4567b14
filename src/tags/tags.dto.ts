import { ApiProperty, ApiPropertyOptional, IntersectionType, OmitType } from '@nestjs/swagger';
import { IsArray, IsBoolean, IsOptional, IsString, MaxLength } from 'class-validator';
import { DatesQuery } from '../http/dates-query.dto.js';
import { FreeContent, OnlyLooksUp } from '../http/free-content.js';
import { AuthoredResponse, BudgetTable } from '../parties/limits-response.dto.js';
import { BudgetLimitDto, PartyDto } from '../parties/limits.dto.js';
import { DeclaredBy } from '../http/unknown-fields.js';
import { PageQuery } from '../http/pagination.js';
import { IsTextList } from '../http/text-fields.js';
import { TAG_FIELDS } from '../parties/fields/tag-fields.js';
import { IsTagName } from './is-tag-name.js';

const MAX_DESCRIPTION_CHARS = 10_000;

/** A tag to make, or what to change of one: absent keeps, null clears. */
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

/** A tag as LiteLLM tells it. Limits are absent unless they were set on the tag itself. */
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

  /** Its limits, and its tier's where it leaves one open. */
  litellm_budget_table: BudgetTable | null;
}

/** A name that calls carried and that has no row. */
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
