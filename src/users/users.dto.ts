import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsEmail,
  IsIn,
  IsNotEmpty,
  IsOptional,
  IsString,
} from 'class-validator';
import { MAX_PAGE_SIZE, PageQuery } from '../http/page.js';
import { AlsoTakes } from '../http/unread-fields.js';
import { GeneratedKey, GenerateKeyDto, KEPT_OF_KEYS, KeyRow } from '../keys/keys.dto.js';
import type { KeptFields } from '../parties/kept-fields.js';
import { PartyDto } from '../parties/limits.dto.js';

export const USER_ROLES = [
  'proxy_admin',
  'proxy_admin_viewer',
  'internal_user',
  'internal_user_viewer',
] as const;

/** LiteLLM's fields of a user that are kept as sent. */
export const KEPT_OF_USERS: KeptFields = KEPT_OF_KEYS;

/** A user to make, and the key made with it: one body describes both, as LiteLLM has it. */
export class NewUserDto extends GenerateKeyDto {
  /** Made if absent. */
  @ApiPropertyOptional({ example: 'alice' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  declare user_id?: string;

  @ApiPropertyOptional({ nullable: true, type: String, example: 'alice@example.com' })
  @IsOptional()
  @IsEmail()
  user_email?: string | null;

  @ApiPropertyOptional({ nullable: true, type: String, example: 'Alice' })
  @IsOptional()
  @IsString()
  user_alias?: string | null;

  @ApiPropertyOptional({ enum: USER_ROLES, nullable: true })
  @IsOptional()
  @IsIn(USER_ROLES)
  user_role?: (typeof USER_ROLES)[number] | null;

  /** Ids of teams to join. */
  @ApiPropertyOptional({ type: [String], example: [] })
  @IsOptional()
  @IsArray()
  teams?: (string | { team_id: string })[] | null;

  /** False: no key is made with the user. */
  @ApiPropertyOptional({ default: true, example: false })
  @IsOptional()
  @IsBoolean()
  auto_create_key?: boolean | null;

  @IsOptional()
  @IsString()
  sso_user_id?: string | null;
}

/** What to change; absent keeps, null clears. */
@AlsoTakes(KEPT_OF_USERS)
export class UpdateUserDto extends PartyDto {
  /** Which user; or name it by `user_email`. */
  @ApiPropertyOptional({ example: 'alice' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  user_id?: string;

  @ApiPropertyOptional({ nullable: true, type: String, example: 'alice@example.com' })
  @IsOptional()
  @IsEmail()
  user_email?: string | null;

  @ApiPropertyOptional({ nullable: true, type: String })
  @IsOptional()
  @IsString()
  user_alias?: string | null;

  @ApiPropertyOptional({ enum: USER_ROLES, nullable: true })
  @IsOptional()
  @IsIn(USER_ROLES)
  user_role?: (typeof USER_ROLES)[number] | null;

  /** True stops every key of the user, at once. */
  @IsOptional()
  @IsBoolean()
  blocked?: boolean | null;
}

export class DeleteUsersDto {
  @ApiProperty({ type: [String], example: ['alice'] })
  @IsArray()
  @ArrayMaxSize(MAX_PAGE_SIZE)
  @ArrayNotEmpty()
  @IsString({ each: true })
  user_ids: string[];
}

export class UserInfoQuery {
  /** Absent: the calling key's user. */
  @ApiPropertyOptional({ example: 'alice' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  user_id?: string;
}

const SORTABLE = ['user_id', 'user_email', 'created_at', 'user_alias', 'user_role'] as const;

/** Whom; without an id all that concern the caller. */
export class SpendUsersQuery extends PageQuery {
  @IsOptional()
  @IsString()
  user_id?: string;
}

export class UserListQuery extends PageQuery {
  @ApiPropertyOptional({ enum: USER_ROLES })
  @IsOptional()
  @IsIn(USER_ROLES)
  role?: string;

  /** Several, separated by commas. */
  @IsOptional()
  @IsString()
  user_ids?: string;

  /** Part of the address; `%` and `_` are text. */
  @IsOptional()
  @IsString()
  user_email?: string;

  @IsOptional()
  @IsString()
  team?: string;

  @ApiPropertyOptional({ enum: SORTABLE })
  @IsOptional()
  @IsIn(SORTABLE)
  sort_by?: (typeof SORTABLE)[number];

  @ApiPropertyOptional({ enum: ['asc', 'desc'] })
  @IsOptional()
  @IsIn(['asc', 'desc'])
  sort_order?: 'asc' | 'desc';
}

/** A user as LiteLLM tells it. */
export class UserRow {
  user_id: string;
  user_email: string | null;
  user_alias: string | null;
  user_role: string | null;
  teams: string[];
  models: string[];
  spend: number;
  max_budget: number | null;
  budget_duration: string | null;
  budget_reset_at: string | null;
  blocked: boolean;

  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: Record<string, unknown>;
  created_at: string;
  updated_at: string;
}

export class NewUser extends GeneratedKey {
  user_email: string | null;
  user_alias: string | null;
  user_role: string | null;
  teams: string[];
}

export class UpdatedUser {
  user_id: string;
  data: UserRow;
}

export class UserInfo {
  user_id: string;
  user_info: UserRow;
  keys: KeyRow[];

  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  teams: Record<string, unknown>[];
}

export class ListedUser extends UserRow {
  key_count: number;
}

export class UserList {
  users: ListedUser[];
  total: number;
  page: number;
  page_size: number;
  total_pages: number;
}
