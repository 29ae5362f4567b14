import { invalidFields } from '../http/invalid-fields.js';
import { MAX_PAGE_SIZE } from '../http/pagination.js';
import type { AnthropicModel, AnthropicModelList, ModelListQuery } from './completions.dto.js';

type Page = Pick<ModelListQuery, 'limit' | 'before_id' | 'after_id'>;

/** Returns the page of models that Anthropic's API would return. Throws 422 for a page that cannot be. */
export function anthropicModelList(models: readonly AnthropicModel[], page: Page): AnthropicModelList {
  const { before_id, after_id } = page;
  if (before_id !== undefined && after_id !== undefined)
    throw invalidFields([{ field: 'before_id', message: 'Only one of before_id and after_id may be sent.' }]);
  const size = pageSize(page.limit) ?? models.length;
  const end = before_id === undefined ? models.length : indexOf(models, 'before_id', before_id);
  const start = after_id === undefined ? 0 : indexOf(models, 'after_id', after_id) + 1;
  const rest = models.slice(start, end);
  const data = before_id === undefined ? rest.slice(0, size) : rest.slice(Math.max(0, rest.length - size));
  return {
    data,
    has_more: data.length < rest.length,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}

function pageSize(limit: string | undefined): number | undefined {
  if (limit === undefined) return undefined;
  const size = /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (size >= 1 && size <= MAX_PAGE_SIZE) return size;
  throw invalidFields([{ field: 'limit', message: `It must be a whole number from 1 to ${MAX_PAGE_SIZE}.` }]);
}

function indexOf(models: readonly AnthropicModel[], field: keyof Page, id: string): number {
  const index = models.findIndex((model) => model.id === id);
  if (index >= 0) return index;
  throw invalidFields([{ field, message: 'It names no model of this list.' }]);
}
