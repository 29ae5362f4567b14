import {
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  getSchemaPath,
  IntersectionType,
} from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import { PageQuery } from '../http/pagination.js';
import { DatesQuery } from '../http/dates-query.dto.js';

const MINUTES_A_DAY = 1_440;

/** Selects days and calls. Both days are required; a page has at most 31 days. */
export class DailyActivityQuery extends IntersectionType(DatesQuery, PageQuery) {
  /** The public model name of the call. */
  @IsOptional()
  @IsString()
  model?: string;

  /** A key or its hash. */
  @IsOptional()
  @IsString()
  api_key?: string;
}

export class UserActivityQuery extends DailyActivityQuery {
  /** A user id. Callers who are not proxy admins or viewers see themselves by default. */
  @IsOptional()
  @IsString()
  user_id?: string;

  /** Minutes west of UTC. Days stay UTC days; the range grows to those that overlap the local days. */
  @ApiPropertyOptional({ example: -120 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(-MINUTES_A_DAY)
  @Max(MINUTES_A_DAY)
  timezone?: number;
}

export class TeamActivityQuery extends DailyActivityQuery {
  /** Ids, separated by commas. */
  @IsOptional()
  @IsString()
  team_ids?: string;

  @IsOptional()
  @IsString()
  exclude_team_ids?: string;
}

export class OrganizationActivityQuery extends DailyActivityQuery {
  /** Ids, separated by commas. */
  @IsOptional()
  @IsString()
  organization_ids?: string;

  @IsOptional()
  @IsString()
  exclude_organization_ids?: string;
}

export class CustomerActivityQuery extends DailyActivityQuery {
  /** Ids, separated by commas. */
  @IsOptional()
  @IsString()
  end_user_ids?: string;

  @IsOptional()
  @IsString()
  exclude_end_user_ids?: string;
}

export class TagActivityQuery extends DailyActivityQuery {
  /** Names, separated by commas. Default: every tag. */
  @IsOptional()
  @IsString()
  tags?: string;
}

export class Metrics {
  /** USD. */
  spend: number;
  prompt_tokens: number;
  completion_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
  total_tokens: number;
  successful_requests: number;
  failed_requests: number;
  api_requests: number;
}

export class KeyMetadata {
  @ApiProperty({ type: String, nullable: true })
  key_alias: string | null;
  @ApiProperty({ type: String, nullable: true })
  team_id: string | null;
}

export class KeyMetrics {
  metrics: Metrics;
  metadata: KeyMetadata;
}

const mapOf = (model: new () => object) =>
  ApiProperty({ type: 'object', additionalProperties: { $ref: getSchemaPath(model) } });

export class NamedMetadata {
  /** The alias of a team. */
  @ApiPropertyOptional({ type: String, nullable: true })
  team_alias?: string | null;
}

@ApiExtraModels(KeyMetrics)
export class NamedMetrics {
  metrics: Metrics;
  metadata: NamedMetadata;
  @mapOf(KeyMetrics)
  api_key_breakdown: Record<string, KeyMetrics>;
}

/** The 100 names with the highest spend of each kind, each with its 10 keys with the highest spend. */
@ApiExtraModels(NamedMetrics, KeyMetrics)
export class Breakdown {
  @mapOf(NamedMetrics)
  mcp_servers: Record<string, NamedMetrics>;
  @mapOf(NamedMetrics)
  models: Record<string, NamedMetrics>;
  @mapOf(NamedMetrics)
  model_groups: Record<string, NamedMetrics>;
  @mapOf(NamedMetrics)
  providers: Record<string, NamedMetrics>;
  @mapOf(NamedMetrics)
  endpoints: Record<string, NamedMetrics>;
  @mapOf(KeyMetrics)
  api_keys: Record<string, KeyMetrics>;
  /** Users, teams, organizations, customers or tags, depending on the route. */
  @mapOf(NamedMetrics)
  entities: Record<string, NamedMetrics>;
}

export class DaySpend {
  /** UTC. */
  @ApiProperty({ format: 'date', example: '2026-11-01' })
  date: string;
  metrics: Metrics;
  breakdown: Breakdown;
}

/** Totals of the days on this page. */
export class DailyActivityTotals {
  /** USD. */
  total_spend: number;
  total_prompt_tokens: number;
  total_completion_tokens: number;
  total_tokens: number;
  total_api_requests: number;
  total_successful_requests: number;
  total_failed_requests: number;
  total_cache_read_input_tokens: number;
  total_cache_creation_input_tokens: number;
  page: number;
  total_pages: number;
  has_more: boolean;
}

export class DailyActivityPage {
  results: DaySpend[];
  metadata: DailyActivityTotals;
}
