import { ApiProperty, ApiPropertyOptional, OmitType } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsNotEmpty,
  IsOptional,
  IsString,
} from 'class-validator';
import { OnlyLooksUp } from '../http/free-content.js';
import { IsOneOf } from '../http/is-one-of.js';
import { MAX_PAGE_SIZE } from '../http/pagination.js';
import { BudgetTable } from '../parties/limits-response.dto.js';
import { DeclaredBy } from '../http/unknown-fields.js';
import { END_USER_FIELDS } from '../parties/fields/end-user-fields.js';
import { passthroughFields } from '../parties/fields/read-fields.js';
import { PartyDto } from '../parties/limits.dto.js';
import { Refuses } from '../parties/not-enforced.js';

/** LiteLLM's fields of a customer that are kept as sent. */
export const KEPT_OF_END_USERS = passthroughFields(END_USER_FIELDS);

@DeclaredBy(END_USER_FIELDS)
@Refuses(['models'])
class EndUserFieldsDto extends OmitType(PartyDto, ['models', 'metadata'] as const) {
  @ApiProperty({ example: 'customer-42' })
  @IsString()
  @IsNotEmpty()
  user_id: string;

  @ApiPropertyOptional({ nullable: true, type: String, example: 'Example Ltd' })
  @IsOptional()
  @IsString()
  alias?: string | null;

  @IsOptional()
  @IsBoolean()
  blocked?: boolean | null;

  /** Deployments are not chosen by region here: anything but null is refused. */
  @IsOneOf(['eu', 'us'], { nullable: true })
  allowed_model_region?: 'eu' | 'us' | null;

  @ApiPropertyOptional({ nullable: true, type: String })
  @IsOptional()
  @IsString()
  default_model?: string | null;
}

/** An end user to make. */
export class NewEndUserDto extends EndUserFieldsDto {}

/** What to change; absent keeps, null clears. */
export class UpdateEndUserDto extends EndUserFieldsDto {}

export class EndUserInfoQuery {
  @ApiProperty({ example: 'customer-42' })
  @IsString()
  @IsNotEmpty()
  end_user_id: string;
}

@OnlyLooksUp()
export class EndUserIdsDto {
  @ApiProperty({ type: [String], example: ['customer-42'] })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_PAGE_SIZE)
  @IsString({ each: true })
  user_ids: string[];
}

/** An end user as LiteLLM tells it. */
export class EndUserRow {
  user_id: string;
  blocked: boolean;
  alias: string | null;
  spend: number;
  allowed_model_region: string | null;
  default_model: string | null;

  litellm_budget_table: BudgetTable | null;

  @ApiProperty({ type: String, nullable: true })
  object_permission_id: null;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  object_permission: Record<string, unknown> | null;
}

export class BlockedEndUsers {
  blocked_users: EndUserRow[];
}

export class DeletedEndUsers {
  deleted_customers: number;
  message: string;
}
