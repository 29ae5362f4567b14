import { ApiProperty, OmitType } from '@nestjs/swagger';
import { IsFlag } from '../http/is-flag.js';
import { OnlyLooksUp } from '../http/free-content.js';
import { IsOneOf } from '../http/is-one-of.js';
import { BudgetTable } from '../parties/limits-response.dto.js';
import { DeclaredBy } from '../http/unknown-fields.js';
import { IsRequiredText, IsNullableText, IsTextList } from '../http/text-fields.js';
import { END_USER_FIELDS } from '../parties/fields/end-user-fields.js';
import { ShowsFields } from '../parties/fields/own-field.js';
import { ShowsExtraFields } from '../parties/fields/shows-extra-fields.js';
import { PartyDto } from '../parties/limits.dto.js';
import { Refuses } from '../parties/not-enforced.js';

@DeclaredBy(END_USER_FIELDS)
@Refuses(['models'])
class EndUserFieldsDto extends OmitType(PartyDto, ['models', 'metadata'] as const) {
  @IsRequiredText('customer-42')
  user_id: string;

  @IsNullableText('Example Ltd')
  alias?: string | null;

  @IsFlag({ nullable: true })
  blocked?: boolean | null;

  /** The gateway does not choose deployments by region, so it refuses anything but null. */
  @IsOneOf(['eu', 'us'], { nullable: true })
  allowed_model_region?: 'eu' | 'us' | null;

  @IsNullableText()
  default_model?: string | null;
}

/** A new end user. */
export class NewEndUserDto extends EndUserFieldsDto {}

/** Changes of an end user; absent keeps, null clears. */
export class UpdateEndUserDto extends EndUserFieldsDto {}

export class EndUserInfoQuery {
  @IsRequiredText('customer-42')
  end_user_id: string;
}

@OnlyLooksUp()
export class EndUserIdsDto {
  @IsTextList(['customer-42'])
  user_ids: string[];
}

/** An end user as LiteLLM shows it. */
@ShowsFields(END_USER_FIELDS)
@ShowsExtraFields(END_USER_FIELDS)
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
