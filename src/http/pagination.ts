import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';

/** The most rows one answer carries; more are on the next page. */
export const MAX_PAGE_SIZE = 1_000;

/** Which part of a list. LiteLLM's lists that are bare arrays take it too, because nothing is unbounded here. */
export class PageQuery {
  /** Counted from 1. */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  page?: number;

  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_PAGE_SIZE)
  page_size?: number;
}

/** A page in a database's words. */
export function paginate({ page = 1, page_size = MAX_PAGE_SIZE }: PageQuery): { take: number; skip: number } {
  return { take: page_size, skip: (page - 1) * page_size };
}
