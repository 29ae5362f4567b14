import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, OmitType, PickType } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { OnlyLooksUp } from '../http/free-content.js';
import { IsFlag } from '../http/is-flag.js';
import { IsOneOf } from '../http/is-one-of.js';
import { CurrentPageInfo } from '../http/page-info.dto.js';
import { PageQuery } from '../http/pagination.js';
import { SORT_ORDERS, type SortOrder } from '../http/sort-order.js';
import { DeclaredBy } from '../http/unknown-fields.js';
import {
  IsFilledText,
  IsFilter,
  IsRequiredText,
  IsNullableText,
  IsOptionalTextList,
  IsTextList,
} from '../http/text-fields.js';
import { IsAliases } from '../parties/aliases.js';
import { IsDuration, IsLifetime, IsNewLifetime } from '../parties/duration.js';
import { LimitedPartyResponse } from '../parties/limits-response.dto.js';
import { KEY_FIELDS } from '../parties/fields/key-fields.js';
import { ShowsFields } from '../parties/fields/own-field.js';
import { ShowsExtraFields } from '../parties/fields/shows-extra-fields.js';
import { PartyDto } from '../parties/limits.dto.js';
import { IsUsd } from '../parties/usd.js';
import { IsRouteEntry } from './is-route-entry.js';

/** Fields of a key that can be set at its creation and later. */
@DeclaredBy(KEY_FIELDS)
export class KeyFieldsDto extends PartyDto {
  /** A name that people recognise; no two live keys share one. */
  @IsNullableText('ci-pipeline')
  key_alias?: string | null;

  /** How long the key lives from now: `30d`, `1mo`; `0s` ends it. Null or `-1`: without end. */
  @IsOptional()
  @IsLifetime()
  duration?: string | null;

  /** The user to whom the key belongs. Created if there is no such user. */
  @IsNullableText('alice')
  user_id?: string | null;

  /** The team to which the key belongs. */
  @IsNullableText('team-1')
  team_id?: string | null;

  /** The organization to which the key belongs; absent: its team's. */
  @IsNullableText('acme')
  organization_id?: string | null;

  @IsFlag({ nullable: true })
  blocked?: boolean | null;

  /** Routes that the key may call: groups (`llm_api_routes`), routes, templates, `/prefix/*`. `[]` is unrestricted. */
  @ApiPropertyOptional({ type: [String], example: ['llm_api_routes'] })
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  @IsRouteEntry({ each: true })
  allowed_routes?: string[] | null;

  /** Names that the key may use for models: `{"fast": "gpt-4o-mini"}`. */
  @IsOptional()
  @IsAliases()
  aliases?: Record<string, string> | null;
}

/** Declares a field with a secret that the caller chooses. */
const IsSecret = () =>
  applyDecorators(
    ApiPropertyOptional({ nullable: true, type: String }),
    IsOptional(),
    Matches(/^sk-[\x21-\x7e]{5,}$/, {
      message: '$property must start with sk- and have at least 8 characters',
    }),
  );

const KEY_TYPES = ['default', 'llm_api', 'management', 'read_only'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** A new key. */
export class GenerateKeyDto extends KeyFieldsDto {
  // A field that is declared again has none of the validators it inherits.
  /** How long the key lives: `30d`, `1mo`. Null or `-1`: without end. */
  @IsOptional()
  @IsNewLifetime()
  declare duration?: string | null;

  /** The key itself, if the caller chooses it: `sk-…`. */
  @IsSecret()
  key?: string | null;

  /** A preset of `allowed_routes`. */
  @IsOneOf(KEY_TYPES)
  key_type?: KeyType | null;
}

/** Changes of a key; absent keeps, null clears. */
export class UpdateKeyDto extends KeyFieldsDto {
  /** The key, or its hash. Absent: the key with this `key_alias`. */
  @IsFilledText('sk-1234567890abcdef')
  key?: string | null;
}

/** Changes of many keys. A failed change does not stop the others. */
export class BulkUpdateKeysDto {
  @ApiProperty({ type: [UpdateKeyDto], example: [{ key: 'sk-1234567890abcdef', max_budget: 10 }] })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(500)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => UpdateKeyDto)
  keys: UpdateKeyDto[];
}

/** A new secret for a key, and changes of its other fields. */
export class RegenerateKeyDto extends KeyFieldsDto {
  /** The key, or its hash, if the path does not name it. */
  @IsNullableText('sk-1234567890abcdef')
  key?: string | null;

  /** The new key itself, if the caller chooses it: `sk-…`. */
  @IsSecret()
  new_key?: string | null;

  /** How long the former key works beside the new one: `24h`. Absent: it ends at once. */
  @IsOptional()
  @IsDuration({ example: '24h' })
  grace_period?: string | null;

  /** A preset of `allowed_routes`. */
  @IsOneOf(KEY_TYPES)
  key_type?: KeyType | null;
}

export class RegenerateKeyQuery {
  /** The key, or its hash. */
  @IsOptional()
  @IsString()
  key?: string;
}

export class ResetSpendDto {
  /** US dollars that the key has spent after the reset. */
  @IsUsd({ example: 0 })
  reset_to: number;
}

@OnlyLooksUp()
export class KeysToTellDto {
  /** Keys or hashes. */
  @IsTextList(['sk-1234567890abcdef'], { mayBeEmpty: true })
  keys: string[];
}

@OnlyLooksUp()
export class DeleteKeysDto {
  /** Keys or hashes. */
  @IsOptionalTextList(['sk-1234567890abcdef'])
  keys?: string[] | null;

  @IsOptionalTextList(['ci-pipeline'])
  key_aliases?: string[] | null;
}

@OnlyLooksUp()
export class BlockKeyDto {
  /** The key, or its hash. */
  @IsRequiredText('sk-1234567890abcdef')
  key: string;
}

export class KeyInfoQuery {
  /** The key, or its hash; absent: the calling key. */
  @IsOptional()
  @IsString()
  key?: string;
}

const SORTABLE = ['created_at', 'updated_at', 'key_alias', 'token', 'max_budget', 'spend'] as const;

class KeyPageQuery extends PickType(PageQuery, ['page']) {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  size?: number;
}

export class KeyListQuery extends KeyPageQuery {
  @IsFilter()
  user_id?: string;

  @IsFilter()
  team_id?: string;

  @IsFilter()
  organization_id?: string;

  @IsFilter()
  key_hash?: string;

  @IsFilter()
  key_alias?: string;

  /** Whole keys instead of hashes. */
  @IsFlag()
  return_full_object?: boolean;

  /** Adds the keys of the teams that the caller administers to those of `user_id`. */
  @IsFlag()
  include_team_keys?: boolean;

  /** Adds the keys that the user created to those of `user_id`. */
  @IsFlag()
  include_created_by_keys?: boolean;

  /** Deleted keys instead of live ones. */
  @IsOneOf(['deleted'])
  status?: 'deleted';

  /** `user`: whole keys have their `user`. */
  @ApiPropertyOptional({ enum: ['user'], isArray: true })
  @IsOptional()
  @Transform(({ value }) => [value].flat() as unknown)
  @IsIn(['user'], { each: true })
  expand?: 'user'[];

  @IsOneOf(SORTABLE)
  sort_by?: (typeof SORTABLE)[number];

  @IsOneOf(SORT_ORDERS)
  sort_order?: SortOrder;
}

export class KeyAliasesQuery extends KeyPageQuery {
  /** Part of an alias, in any letter case. */
  @IsFilter()
  search?: string;

  @IsFilter()
  team_id?: string;
}

/** A key as LiteLLM shows it, without its secret. */
@ShowsFields(KEY_FIELDS)
@ShowsExtraFields(KEY_FIELDS)
export class KeyRow extends LimitedPartyResponse {
  /** Hash of the key. */
  token: string;
  key_name: string;
  key_alias: string | null;
  expires: string | null;
  models: string[];

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  aliases: Record<string, string>;

  @ApiProperty({ type: 'object', additionalProperties: true })
  config: Record<string, unknown>;

  @ApiProperty({ type: 'object', additionalProperties: true })
  permissions: Record<string, unknown>;

  @ApiProperty({ type: [String] })
  allowed_cache_controls: string[];
  rotation_count: number;
  last_rotation_at: string | null;
  user_id: string | null;
  team_id: string | null;
  organization_id: string | null;
  allowed_routes: string[];
  blocked: boolean;
}

/** A key in a response that shows its hash beside it. */
export class KeyDetails extends OmitType(KeyRow, ['token']) {}

export class GeneratedKey extends KeyRow {
  /** The key. No other response shows it. */
  key: string;
  token_id: string;
  duration: string | null;
}

export class UpdatedKey extends KeyRow {
  key: string;
}

export class SpendResetResponse {
  key_hash: string;
  spend: number;
  previous_spend: number;
  max_budget: number | null;
  budget_reset_at: string | null;
}

class SuccessfulKeyUpdate {
  key: string;
  key_info: UpdatedKey;
}

class FailedKeyUpdate {
  key: string;
  @ApiProperty({ nullable: true, type: 'object', additionalProperties: true })
  key_info: null;
  failed_reason: string;
}

export class BulkKeyUpdate {
  total_requested: number;
  successful_updates: SuccessfulKeyUpdate[];
  failed_updates: FailedKeyUpdate[];
}

export class KeyInfos {
  /** The keys as requested. */
  key: string[];
  /** The keys that exist and that the caller may see. */
  info: KeyDetails[];
}

export class KeyAliases extends CurrentPageInfo {
  aliases: string[];
  size: number;
}

export class KeyHealth {
  @ApiProperty({ enum: ['healthy'] })
  key: 'healthy';
  /** Always null: a key has no callbacks. */
  @ApiProperty({ nullable: true, type: 'object', additionalProperties: true })
  logging_callbacks: null;
}

export class DeletedKeys {
  deleted_keys: string[];
}

export class KeyInfo {
  /** The key as requested, or its hash. */
  key: string;
  info: KeyDetails;
}
