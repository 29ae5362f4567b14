import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsISO8601, IsOptional, IsString, Max } from 'class-validator';
import { IsOneOf } from '../http/is-one-of.js';
import { PageInfo } from '../http/page-info.dto.js';
import { PageQuery } from '../http/pagination.js';
import { SORT_ORDERS, type SortOrder } from '../http/sort-order.js';
import { AUDIT_ACTIONS, type AuditAction } from './audit-entry.entity.js';

const AUDIT_SORTS = ['updated_at', 'changed_by', 'action', 'table_name', 'object_id'] as const;
const MAX_ENTRIES = 100;
const INSTANT = { strict: true };

/** Selects entries. Every filter is exact. */
export class AuditQuery extends PageQuery {
  /** Default: 10. */
  @IsOptional()
  @Max(MAX_ENTRIES)
  declare page_size?: number;

  /** The user id of the actor. */
  @IsOptional()
  @IsString()
  changed_by?: string;

  /** The key of the request, or its hash. */
  @IsOptional()
  @IsString()
  changed_by_api_key?: string;

  @IsOneOf(AUDIT_ACTIONS)
  action?: AuditAction;

  @ApiPropertyOptional({ example: 'LiteLLM_VerificationToken' })
  @IsOptional()
  @IsString()
  table_name?: string;

  /** The id of the row: the hash of a key, `<team or organization>/<user>` of a membership. */
  @IsOptional()
  @IsString()
  object_id?: string;

  /** Entries of this team and of rows that belong to it. */
  @IsOptional()
  @IsString()
  object_team_id?: string;

  /** Entries of this key, given as the key or its hash. */
  @IsOptional()
  @IsString()
  object_key_hash?: string;

  /** The `x-request-id` of the response. */
  @IsOptional()
  @IsString()
  request_id?: string;

  /** From this instant, or from the start of this day (UTC). */
  @ApiPropertyOptional({ example: '2026-11-01' })
  @IsOptional()
  @IsISO8601(INSTANT)
  start_date?: string;

  /** Up to this instant, or to the end of this day (UTC). */
  @ApiPropertyOptional({ example: '2026-11-30T12:00:00Z' })
  @IsOptional()
  @IsISO8601(INSTANT)
  end_date?: string;

  @IsOneOf(AUDIT_SORTS, { default: 'updated_at' })
  sort_by?: (typeof AUDIT_SORTS)[number];

  @IsOneOf(SORT_ORDERS, { default: 'desc' })
  sort_order?: SortOrder;
}

/** One changed row with its actor, action and values before and after. */
export class AuditLog {
  @ApiProperty({ example: '019ac0de-0000-7000-8000-000000000000' })
  id: string;

  @ApiProperty({ format: 'date-time' })
  updated_at: string;

  /**
   * A user id. `default_user_id` is only the master key: a user with that id is `key:default_user_id` or
   * `jwt:default_user_id`.
   */
  @ApiProperty({ example: 'alice' })
  changed_by: string;

  /** The hash of the request's key; empty for the master key. */
  changed_by_api_key: string;

  /** The `x-request-id` of the response; null for changes without a request. */
  @ApiProperty({ type: String, nullable: true })
  request_id: string | null;

  /** IP address of the client; null for changes without a request, and if addresses are not stored. */
  @ApiProperty({ type: String, nullable: true, example: '203.0.113.9' })
  client_address: string | null;

  @ApiProperty({ enum: AUDIT_ACTIONS, example: 'updated' })
  action: AuditAction;

  @ApiProperty({ example: 'LiteLLM_TeamTable' })
  table_name: string;

  @ApiProperty({ example: 'team-1' })
  object_id: string;

  /** The changed values before the change; null for a new row. */
  @ApiProperty({ type: Object, additionalProperties: true, nullable: true, example: { max_budget: 10 } })
  before_value: object | null;

  /** The changed values after the change; null for a deleted row. */
  @ApiProperty({ type: Object, additionalProperties: true, nullable: true, example: { max_budget: 20 } })
  updated_values: object | null;
}

export class AuditLogPage extends PageInfo {
  audit_logs: AuditLog[];
}
