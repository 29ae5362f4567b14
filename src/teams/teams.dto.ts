import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsNotEmpty,
  IsOptional,
  IsString,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { OnlyLooksUp } from '../http/free-content.js';
import { IsOneOf } from '../http/is-one-of.js';
import { IsOneOrMany } from '../http/is-one-or-many.js';
import { PageInfo } from '../http/page-info.dto.js';
import { IsFlag } from '../http/is-flag.js';
import { PageQuery } from '../http/pagination.js';
import { SORT_ORDERS, type SortOrder } from '../http/sort-order.js';
import { DeclaredBy } from '../http/unknown-fields.js';
import {
  IsFilledText,
  IsFilter,
  IsRequiredText,
  IsNullableText,
  IsOptionalText,
  IsTextList,
} from '../http/text-fields.js';
import { KeyRow } from '../keys/keys.dto.js';
import { BudgetTable, LimitedPartyResponse } from '../parties/limits-response.dto.js';
import { MEMBER_FIELDS } from '../parties/fields/member-fields.js';
import { ShowsFields } from '../parties/fields/own-field.js';
import { TEAM_FIELDS } from '../parties/fields/team-fields.js';
import { ShowsExtraFields } from '../parties/fields/shows-extra-fields.js';
import { PartyDto } from '../parties/limits.dto.js';
import { NamesModels } from '../parties/names-models.js';
import { Refuses } from '../parties/not-enforced.js';
import { IsDuration } from '../parties/duration.js';
import { IsAliases } from '../parties/aliases.js';
import { IsRate } from '../parties/rate.js';
import { IsUsd } from '../parties/usd.js';
import { MEMBER_PERMISSIONS } from '../policy/admin-rules.js';
import { UserRow } from '../parties/user-row.dto.js';

/** LiteLLM's limits of a member that the gateway does not enforce. */
const NOT_ENFORCED_OF_MEMBERS = ['model_max_budget', 'tpd_limit'];

const ROLES = ['admin', 'user'] as const;

/** A user inside a team. */
export class MemberDto {
  @ApiProperty({ enum: ROLES, example: 'user' })
  @IsIn(ROLES)
  role: (typeof ROLES)[number];

  /** Created if there is no such user. */
  @ApiPropertyOptional({ nullable: true, type: String, example: 'alice' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  user_id?: string | null;

  /** Names the user instead of the id. */
  @IsFilledText()
  user_email?: string | null;
}

/** Fields of a team that can be set at its creation and later. */
@DeclaredBy(TEAM_FIELDS)
export class TeamFieldsDto extends PartyDto {
  @IsNullableText('Research')
  team_alias?: string | null;

  /** The organization to which the team belongs; an empty text or null: none. */
  @IsNullableText()
  organization_id?: string | null;

  @IsFlag({ nullable: true })
  blocked?: boolean | null;

  /** Names that the team uses for models: `{"fast": "gpt-4o-mini"}`. */
  @IsOptional()
  @IsAliases()
  model_aliases?: Record<string, string> | null;

  /** US dollars that each member without a budget of its own may spend in this team. */
  @IsOptional()
  @IsUsd({ required: false, nullable: true })
  team_member_budget?: number | null;

  @IsOptional()
  @IsDuration()
  team_member_budget_duration?: string | null;

  @IsRate()
  team_member_rpm_limit?: number | null;

  @IsRate()
  team_member_tpm_limit?: number | null;
}

/** A new team. */
export class NewTeamDto extends TeamFieldsDto {
  /** Generated if absent. */
  @IsOptionalText('team-1')
  team_id?: string;

  @ApiPropertyOptional({ type: [MemberDto], example: [] })
  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => MemberDto)
  members_with_roles?: MemberDto[];
}

/** Changes of a team; absent keeps, null clears. */
export class UpdateTeamDto extends TeamFieldsDto {
  @IsRequiredText('team-1')
  team_id: string;
}

export class TeamIdDto {
  @IsRequiredText('team-1')
  team_id: string;
}

@OnlyLooksUp()
export class DeleteTeamsDto {
  @IsTextList(['team-1'])
  team_ids: string[];
}

export class DeletedTeams {
  deleted_teams: string[];
}

export class TeamListQuery extends PageQuery {
  @IsFilter()
  user_id?: string;

  /** Teams of this organization; `default_organization`: teams without one. */
  @IsFilter()
  organization_id?: string;
}

const SORTABLE = ['team_id', 'team_alias', 'created_at'] as const;

export class TeamPageQuery extends TeamListQuery {
  @IsFilter()
  team_id?: string;

  /** Part of the name, in any letter case; `%` and `_` are text. */
  @IsFilter()
  team_alias?: string;

  /** Part of the name, or the whole id. */
  @IsFilter()
  search?: string;

  @IsOneOf(SORTABLE)
  sort_by?: (typeof SORTABLE)[number];

  @IsOneOf(SORT_ORDERS)
  sort_order?: SortOrder;

  /** `deleted`: deleted teams. */
  @IsOneOf(['deleted'])
  status?: 'deleted';
}

/** Models of a team's list. */
export class TeamModelsDto extends TeamIdDto {
  @IsTextList(['gpt-4o-mini'])
  @IsNotEmpty({ each: true })
  models: string[];
}

/** Models to add to a team's list. */
export class AddTeamModelsDto extends TeamModelsDto {
  // A field that is declared again has none of the validators it inherits.
  @IsTextList(['gpt-4o-mini'])
  @IsNotEmpty({ each: true })
  @NamesModels({ each: true })
  declare models: string[];
}

@DeclaredBy(MEMBER_FIELDS)
@Refuses(NOT_ENFORCED_OF_MEMBERS)
export class AddMembersDto extends TeamIdDto {
  /** One member or several. */
  @ApiProperty({ type: [MemberDto], example: [{ role: 'user', user_id: 'alice' }] })
  @ArrayNotEmpty()
  @IsOneOrMany(() => MemberDto)
  member: MemberDto[];

  /** US dollars that each of them may spend in this team, in each window of `budget_duration`. */
  @IsOptional()
  @IsUsd({ required: false, nullable: true })
  max_budget_in_team?: number | null;

  /** The window of `max_budget_in_team`, e.g. `30d`. Absent or null: the team's `team_member_budget_duration`. */
  @ApiPropertyOptional({ nullable: true, type: String, example: '30d' })
  @IsOptional()
  @IsDuration()
  budget_duration?: string | null;

  /** Models that they may call, among the team's. */
  @ApiPropertyOptional({ type: [String] })
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  @NamesModels({ each: true })
  allowed_models?: string[] | null;
}

export class MemberOfTeamDto extends TeamIdDto {
  @IsNullableText('alice')
  user_id?: string | null;

  @IsNullableText()
  user_email?: string | null;
}

/** Changes of a member; absent keeps, null clears. */
@DeclaredBy(MEMBER_FIELDS)
@Refuses(NOT_ENFORCED_OF_MEMBERS)
export class UpdateMemberDto extends MemberOfTeamDto {
  @IsOptional()
  @IsUsd({ required: false, nullable: true })
  max_budget_in_team?: number | null;

  /** The window of `max_budget_in_team`. Null: the team's `team_member_budget_duration`. */
  @ApiPropertyOptional({ nullable: true, type: String, example: '30d' })
  @IsOptional()
  @IsDuration()
  budget_duration?: string | null;

  @IsOneOf(ROLES)
  role?: (typeof ROLES)[number] | null;

  @IsRate()
  tpm_limit?: number | null;

  @IsRate()
  rpm_limit?: number | null;

  @ApiPropertyOptional({ type: [String] })
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  @NamesModels({ each: true })
  allowed_models?: string[] | null;
}

/** The key management routes of LiteLLM that members may use for the team's keys. */
export class UpdatePermissionsDto extends TeamIdDto {
  /** The new list. Null leaves the present one, because Terraform sends it for a list that is not configured. */
  @ApiProperty({
    enum: MEMBER_PERMISSIONS,
    isArray: true,
    nullable: true,
    example: ['/key/info', '/key/generate'],
  })
  @ValidateIf((_, value) => value !== null)
  @IsArray()
  @IsIn(MEMBER_PERMISSIONS, { each: true })
  team_member_permissions: string[] | null;
}

export class TeamPermissions {
  team_id: string;
  team_member_permissions: string[];
  all_available_permissions: string[];
}

export class MemberWithRole {
  user_id: string;
  user_email: string | null;
  role: string;
}

/** Model aliases of a team, in the place where LiteLLM stores them. */
export class TeamModelTable {
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  model_aliases: Record<string, string>;
  created_by: string;
  updated_by: string;
}

/** A team as LiteLLM shows it. */
@ShowsFields(TEAM_FIELDS)
@ShowsExtraFields(TEAM_FIELDS)
export class TeamRow extends LimitedPartyResponse {
  team_id: string;
  team_alias: string | null;
  organization_id: string | null;
  admins: string[];
  members: string[];
  members_with_roles: MemberWithRole[];
  models: string[];
  blocked: boolean;

  /** Absent without aliases. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string' } })
  model_aliases?: Record<string, string>;
  litellm_model_table: TeamModelTable | null;

  /** US dollars. */
  team_member_budget?: number;
  team_member_budget_duration?: string;
  team_member_rpm_limit?: number;
  team_member_tpm_limit?: number;
}

export class ListedTeam extends TeamRow {
  members_count: number;
  keys_count: number;
}

export class TeamPage extends PageInfo {
  teams: ListedTeam[];
}

export class UpdatedTeam {
  team_id: string;
  data: TeamRow;
}

export class TeamMembership {
  user_id: string;
  team_id: string;
  spend: number;
  budget_id: string | null;

  litellm_budget_table: BudgetTable | null;
}

/** A team with its newest keys. */
export class TeamWithKeys extends TeamRow {
  keys: KeyRow[];
  team_memberships: TeamMembership[];
}

/** A team and the members that the request has added. */
export class AddedTeamMembers extends TeamRow {
  updated_users: UserRow[];
  updated_team_memberships: TeamMembership[];
}

export class TeamInfo {
  team_id: string;
  team_info: TeamRow;
  keys: KeyRow[];
  team_memberships: TeamMembership[];
}

export class UpdatedMember {
  user_id: string;
  user_email: string | null;
  team_id: string;
  max_budget_in_team: number | null;
  budget_duration: string | null;
  tpm_limit: number | null;
  rpm_limit: number | null;
  allowed_models: string[];
}

/** A team that a new user joins. */
export class NewUserTeamDto {
  @IsRequiredText('team-1')
  team_id: string;

  /** The role of the user in the team; absent: `user`. */
  @IsOneOf(['user', 'admin'])
  user_role?: 'user' | 'admin' | null;

  /** US dollars that the user may spend in this team. */
  @IsOptional()
  @IsUsd({ required: false, nullable: true })
  max_budget_in_team?: number | null;
}
