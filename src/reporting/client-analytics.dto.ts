import { ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsOptional, IsString } from 'class-validator';
import { DatesQuery } from '../http/dates-query.dto.js';
import { PageQuery } from '../http/pagination.js';

const MAX_FILTERS = 100;

/** Selects tags. The program of a call counts as the tags `User-Agent: <product>` and `User-Agent: <product>/<version>`. */
export class TagFilterQuery {
  /** Only tags that contain this text. */
  @ApiPropertyOptional({ example: 'claude-cli' })
  @IsOptional()
  @IsString()
  tag_filter?: string;

  /** Only these tags. It takes precedence over `tag_filter`. */
  @ApiPropertyOptional({ type: [String], example: ['User-Agent: claude-cli'] })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? (value as unknown) : [value]))
  @ArrayMaxSize(MAX_FILTERS)
  @IsString({ each: true })
  tag_filters?: string[];
}

/** Both days are required. */
export class TagSummaryQuery extends IntersectionType(TagFilterQuery, DatesQuery) {}

export class PerUserQuery extends IntersectionType(TagFilterQuery, PageQuery) {}

export class DistinctTag {
  tag: string;
}

export class DistinctTags {
  results: DistinctTag[];
}

export class TagActiveUsers {
  tag: string;
  active_users: number;
  /** The day, or the name of the week or month. */
  date: string;
  /** First day of the week or month; null for a day. */
  period_start: string | null;
  period_end: string | null;
}

export class ActiveUsers {
  results: TagActiveUsers[];
}

export class TagMetrics {
  tag: string;
  unique_users: number;
  total_requests: number;
  successful_requests: number;
  failed_requests: number;
  total_tokens: number;
  /** USD. */
  total_spend: number;
}

export class TagSummary {
  results: TagMetrics[];
}

export class UserMetrics {
  user_id: string;
  user_email: string | null;
  /** A tag of the user's calls: of several the first by name. */
  user_agent: string | null;
  successful_requests: number;
  failed_requests: number;
  total_requests: number;
  total_tokens: number;
  /** USD. */
  spend: number;
}

export class PerUserAnalytics {
  results: UserMetrics[];
  total_count: number;
  page: number;
  page_size: number;
  total_pages: number;
}
