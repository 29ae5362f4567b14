import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';

/** Maximum rows of a response. Further rows are on the next page. */
export const MAX_PAGE_SIZE = 1_000;

/** The requested page of a list. LiteLLM's lists that are bare arrays accept it, too, because no list is unbounded. */
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

/** Returns the TypeORM options of a page. */
export function paginate({ page = 1, page_size = MAX_PAGE_SIZE }: PageQuery): { take: number; skip: number } {
  return { take: page_size, skip: (page - 1) * page_size };
}
