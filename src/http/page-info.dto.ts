import type { PageQuery } from './pagination.js';

/** Position of a page in the whole list. */
export class PageInfo {
  total: number;
  page: number;
  page_size: number;
  total_pages: number;
}

export const pageInfo = (total: number, { page, page_size }: Required<PageQuery>): PageInfo => ({
  total,
  page,
  page_size,
  total_pages: Math.ceil(total / page_size),
});

/** Place of a page among all pages, where LiteLLM has other names for it. */
export class CurrentPageInfo {
  total_count: number;
  current_page: number;
  total_pages: number;
}

export const currentPageInfo = (
  total_count: number,
  current_page: number,
  size: number,
): CurrentPageInfo => ({
  total_count,
  current_page,
  total_pages: Math.ceil(total_count / size),
});
