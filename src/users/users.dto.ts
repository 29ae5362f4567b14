import { OnlyLooksUp } from '../http/free-content.js';
import { USER_ROLES } from '../policy/principal.js';
import {
  ApiExtraModels,
  ApiPropertyOptional,
  getSchemaPath,
  IntersectionType,
  PartialType,
  PickType,
} from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  ValidateNested,
} from 'class-validator';
import { IsOneOf } from '../http/is-one-of.js';
import { PageInfo } from '../http/page-info.dto.js';
import { MAX_PAGE_SIZE, PageQuery } from '../http/pagination.js';
import { SORT_ORDERS, type SortOrder } from '../http/sort-order.js';
import { GenerateKeyDto, KeyRow } from '../keys/keys.dto.js';
import { UserRow } from '../parties/user-row.dto.js';
import { NewUserTeamDto } from '../teams/teams.dto.js';
import { IsFlag } from '../http/is-flag.js';
import { DeclaredBy } from '../http/unknown-fields.js';
import {
  IsFilledText,
  IsFilter,
  IsNullableText,
  IsOptionalText,
  IsOptionalTextList,
  IsTextList,
} from '../http/text-fields.js';
import { KEY_FIELDS } from '../parties/fields/key-fields.js';
import { USER_FIELDS } from '../parties/fields/user-fields.js';
import { PartyDto } from '../parties/limits.dto.js';

/** The most users that one request changes, as in LiteLLM. */
export const MAX_BULK = 500;

/** A new user with its first key. One body describes both, as in LiteLLM. */
@ApiExtraModels(NewUserTeamDto)
@DeclaredBy({ ...KEY_FIELDS, ...USER_FIELDS })
export class NewUserDto extends GenerateKeyDto {
  /** Generated if absent. */
  @IsOptionalText('alice')
  declare user_id?: string;

  @IsFilledText('alice@example.com')
  user_email?: string | null;

  @IsNullableText('Alice')
  user_alias?: string | null;

  @IsOneOf(USER_ROLES, { nullable: true })
  user_role?: (typeof USER_ROLES)[number] | null;

  /** Teams to join: ids, or `{"team_id", "user_role", "max_budget_in_team"}`. */
  @ApiPropertyOptional({
    nullable: true,
    type: 'array',
    items: { anyOf: [{ type: 'string' }, { $ref: getSchemaPath(NewUserTeamDto) }] },
    example: [],
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_PAGE_SIZE)
  @Transform(({ value }: { value: unknown }) =>
    Array.isArray(value)
      ? value.map((team: unknown) => (typeof team === 'string' ? { team_id: team } : team))
      : value,
  )
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => NewUserTeamDto)
  teams?: NewUserTeamDto[] | null;

  /** Ids of organizations to join. */
  @IsOptionalTextList([])
  organizations?: string[] | null;

  /** False: the user gets no key. */
  @IsFlag({ nullable: true, default: true, example: false })
  auto_create_key?: boolean | null;

  @IsOptional()
  @IsString()
  sso_user_id?: string | null;
}

/** Changes of a user; absent keeps, null clears. */
@DeclaredBy(USER_FIELDS)
export class UpdateUserDto extends PartyDto {
  /** The user to change; absent: the one with `user_email`. */
  @ApiPropertyOptional({ nullable: true, type: String, example: 'alice' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  user_id?: string | null;

  @IsFilledText('alice@example.com')
  user_email?: string | null;

  @IsNullableText()
  user_alias?: string | null;

  @IsOneOf(USER_ROLES, { nullable: true })
  user_role?: (typeof USER_ROLES)[number] | null;

  /** True blocks every key of the user at once. */
  @IsFlag({ nullable: true })
  blocked?: boolean | null;
}

/** Changes of many users: one for each, or the same for all. */
export class BulkUpdateUsersDto {
  @ApiPropertyOptional({
    type: () => [UpdateUserDto],
    nullable: true,
    example: [{ user_id: 'alice', max_budget: 5 }],
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_BULK)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => UpdateUserDto)
  users?: UpdateUserDto[] | null;

  /** True: `user_updates` changes every user. */
  @IsFlag({ nullable: true })
  all_users?: boolean | null;

  @ApiPropertyOptional({ type: () => UpdateUserDto, nullable: true })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => UpdateUserDto)
  user_updates?: UpdateUserDto | null;
}

@OnlyLooksUp()
export class DeleteUsersDto {
  @IsTextList(['alice'])
  user_ids: string[];
}

export class UserInfoQuery {
  /** Absent: the user of the calling key. At `/user/info`, an admin gets all keys and teams then. */
  @IsOptionalText('alice')
  user_id?: string;
}

const SORTABLE = ['user_id', 'user_email', 'created_at', 'spend', 'user_alias', 'user_role'] as const;

/** The user to list; absent: every user that the caller may see. */
export class SpendUsersQuery extends PageQuery {
  @IsFilter()
  user_id?: string;
}

export class UserListQuery extends PageQuery {
  @IsOneOf(USER_ROLES)
  role?: string;

  /** Ids separated by commas. A single one may be part of an id. */
  @IsFilter()
  user_ids?: string;

  /** Ids separated by commas. */
  @IsFilter()
  sso_user_ids?: string;

  /** Members of one of these organizations, separated by commas. */
  @IsFilter()
  organization_ids?: string;

  /** Part of the address; `%` and `_` are text. */
  @IsFilter()
  user_email?: string;

  @IsFilter()
  team?: string;

  @IsOneOf(SORTABLE)
  sort_by?: (typeof SORTABLE)[number];

  @IsOneOf(SORT_ORDERS)
  sort_order?: SortOrder;
}

/** A new user, with the fields of its first key that a user does not have. */
export class NewUser extends IntersectionType(
  UserRow,
  PartialType(
    PickType(KeyRow, [
      'key_alias',
      'aliases',
      'config',
      'permissions',
      'allowed_cache_controls',
      'rotation_count',
      'last_rotation_at',
      'team_id',
      'organization_id',
      'allowed_routes',
      'litellm_budget_table',
    ]),
  ),
) {
  /** The key. No other response shows it. Empty without a key. */
  key: string;

  /** Hash of the key. */
  token: string | null;
  token_id: string | null;
  key_name: string | null;
  expires: string | null;
}

export class UpdatedUser {
  user_id: string;
  data: UserRow;
}

export class UserUpdateResult {
  user_id: string | null;
  user_email: string | null;
  success: boolean;
  error: string | null;

  updated_user: UserRow | null;
}

export class BulkUpdatedUsers {
  results: UserUpdateResult[];
  total_requested: number;
  successful_updates: number;
  failed_updates: number;
}

/** A role of users, described for people. */
export class RoleInfo {
  description: string;
  ui_label: string;
}

export class AvailableRoles {
  proxy_admin: RoleInfo;
  proxy_admin_viewer: RoleInfo;
  internal_user: RoleInfo;
  internal_user_viewer: RoleInfo;
}

export class ListedUser extends UserRow {
  key_count: number;
}

export class UserList extends PageInfo {
  users: ListedUser[];
}
