import { ApiHideProperty, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayNotEmpty, IsEmpty, IsIn, IsOptional, ValidateNested } from 'class-validator';
import { IsOneOf } from '../http/is-one-of.js';
import { IsOneOrMany } from '../http/is-one-or-many.js';
import { MAX_PAGE_SIZE } from '../http/pagination.js';
import { UserRow } from '../parties/user-row.dto.js';
import { DeclaredBy } from '../http/unknown-fields.js';
import { IsFilledText, IsRequiredText, IsNullableText } from '../http/text-fields.js';
import { ORGANIZATION_MEMBER_FIELDS } from '../parties/fields/organization-fields.js';

const ROLES = ['org_admin', 'internal_user', 'internal_user_viewer'] as const;
type OrganizationRole = (typeof ROLES)[number];

const NO_BUDGET = {
  message: '$property is not enforced, so it cannot be set: limit a team of the organization instead',
};

/** The organization of a request. */
class OfOrganizationDto {
  @IsRequiredText('acme')
  organization_id: string;

  @ApiHideProperty()
  @IsEmpty(NO_BUDGET)
  max_budget_in_organization?: null;
}

/** A user, named by its id or its address. */
class NamedUserDto {
  @IsNullableText('alice')
  user_id?: string | null;

  @IsFilledText()
  user_email?: string | null;
}

/** A user inside an organization. */
export class OrganizationMemberDto extends NamedUserDto {
  @ApiProperty({ enum: ROLES, example: 'org_admin' })
  @IsIn(ROLES)
  role: OrganizationRole;
}

@DeclaredBy(ORGANIZATION_MEMBER_FIELDS)
export class AddOrganizationMembersDto extends OfOrganizationDto {
  /** One member or several. */
  @ApiProperty({ type: [OrganizationMemberDto], example: [{ role: 'org_admin', user_id: 'alice' }] })
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_PAGE_SIZE)
  @IsOneOrMany(() => OrganizationMemberDto)
  member: OrganizationMemberDto[];
}

/** A member of an organization. */
export class OrganizationMemberNameDto extends OfOrganizationDto {
  @IsNullableText('alice')
  user_id?: string | null;

  @IsNullableText()
  user_email?: string | null;
}

/** Changes of a member. */
@DeclaredBy(ORGANIZATION_MEMBER_FIELDS)
export class UpdateOrganizationMemberDto extends OrganizationMemberNameDto {
  @IsOneOf(ROLES)
  role?: OrganizationRole | null;

  /** The same fields nested, as Terraform's provider sends them. */
  @ApiPropertyOptional({ type: OrganizationMemberDto })
  @IsOptional()
  @ValidateNested()
  @Type(() => OrganizationMemberDto)
  member?: OrganizationMemberDto | null;
}

/** A member as LiteLLM shows it. */
export class OrganizationMemberRow {
  organization_id: string;
  user_id: string;
  user_email: string | null;
  user_role: string;
  role: string;

  @ApiProperty({ type: String, nullable: true })
  budget_id: null;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  litellm_budget_table: null;
  created_at: string;
  updated_at: string;
}

export class AddedOrganizationMembers {
  organization_id: string;

  /**
   * The id of the member, if the request names one. Terraform's provider reads it here, also for a member named by
   * address.
   */
  user_id?: string;

  updated_users: UserRow[];
  updated_organization_memberships: OrganizationMemberRow[];
}
