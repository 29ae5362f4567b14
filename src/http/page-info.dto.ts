import type { PageQuery } from './pagination.js';

/** Which page this is, of all that was asked for. */
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
