import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsNotEmpty, IsOptional, IsString, ValidateIf, ValidateNested } from 'class-validator';
import { IsFlag } from '../http/is-flag.js';
import { OnlyLooksUp } from '../http/free-content.js';
import { PageQuery } from '../http/pagination.js';
import { AuthoredResponse, BudgetTable } from '../parties/limits-response.dto.js';
import { DeclaredBy } from '../http/unknown-fields.js';
import { IsFilter, IsRequiredText, IsOptionalText, IsTextList } from '../http/text-fields.js';
import { ORGANIZATION_FIELDS } from '../parties/fields/organization-fields.js';
import { ShowsFields } from '../parties/fields/own-field.js';
import { ShowsExtraFields } from '../parties/fields/shows-extra-fields.js';
import { LimitsDto, PartyDto } from '../parties/limits.dto.js';
import { TeamRow } from '../teams/teams.dto.js';
import { OrganizationMemberRow } from './organization-members.dto.js';

@DeclaredBy(ORGANIZATION_FIELDS)
class OrganizationFieldsDto extends PartyDto {
  /** True blocks every key of the organization at once. */
  @IsFlag({ nullable: true })
  blocked?: boolean | null;
}

/** A new organization. */
export class NewOrganizationDto extends OrganizationFieldsDto {
  @IsRequiredText('Acme')
  organization_alias: string;

  /** Generated if absent. */
  @IsOptionalText('acme')
  organization_id?: string;
}

/** Changes of an organization; absent keeps, null clears. */
export class UpdateOrganizationDto extends OrganizationFieldsDto {
  @IsRequiredText('acme')
  organization_id: string;

  @ApiPropertyOptional({ example: 'Acme' })
  @ValidateIf(({ organization_alias }: UpdateOrganizationDto) => organization_alias !== undefined)
  @IsString()
  @IsNotEmpty()
  organization_alias?: string;

  /** Limits in the table in which LiteLLM shows them. A field at the top wins. */
  @ApiPropertyOptional({ type: LimitsDto })
  @IsOptional()
  @ValidateNested()
  @Type(() => LimitsDto)
  litellm_budget_table?: LimitsDto | null;
}

export class OrganizationIdQuery {
  @IsRequiredText('acme')
  organization_id: string;
}

export class OrganizationListQuery extends PageQuery {
  @IsFilter()
  org_id?: string;

  /** Part of the name, in any letter case; `%` and `_` are text. */
  @IsFilter()
  org_alias?: string;
}

@OnlyLooksUp()
export class DeleteOrganizationsDto {
  @IsTextList(['acme'])
  organization_ids: string[];
}

/** An organization as LiteLLM shows it. */
@ShowsFields(ORGANIZATION_FIELDS)
@ShowsExtraFields(ORGANIZATION_FIELDS)
export class OrganizationRow extends AuthoredResponse {
  organization_id: string;
  organization_alias: string;
  budget_id: string;
  models: string[];

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  object_permission: Record<string, unknown> | null;

  @ApiProperty({ type: String, nullable: true })
  object_permission_id: null;

  /** US dollars. Set on the organization itself. */
  max_budget?: number;

  /** Set on the organization itself. */
  budget_duration?: string;

  /** Set on the organization itself. */
  tpm_limit?: number;

  /** Set on the organization itself. */
  rpm_limit?: number;

  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: Record<string, unknown>;

  /** US dollars. */
  spend: number;
  blocked: boolean;

  /** Limits of the organization, filled with those of its tier. */
  litellm_budget_table: BudgetTable | null;

  /** Empty unless the caller administers the organization. */
  members: OrganizationMemberRow[];

  @ApiProperty({ type: [String], nullable: true })
  users: null;

  /** The teams of the organization that the caller may see. */
  teams: TeamRow[];
}
