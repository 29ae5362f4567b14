import type { SearchContext } from '../policy/bound.js';
import type { Price, Usage } from '../policy/price.js';

const SIZES: readonly SearchContext[] = ['low', 'medium', 'high'];

/** Returns the context size that a request asks for. Undefined if it asks for none, or for an unknown one. */
export function searchContextOf(options: unknown): SearchContext | undefined {
  if (options === null || typeof options !== 'object') return undefined;
  const { search_context_size: size } = options as { readonly search_context_size?: unknown };
  return SIZES.find((known) => known === size);
}

/**
 * Returns a usage with its web searches under the size of their context. A call that asks for a search is billed for one if
 * its answer counts none, as chats do; Perplexity searches in every call. Its smallest size is the default, that of others is medium.
 */
export function withSearchFees(
  usage: Usage,
  provider: string,
  price: Price | undefined,
  searchContext: SearchContext | 'any' | undefined,
): Usage {
  const isPerplexity = provider === 'perplexity';
  if (usage.webSearches === undefined && !searchContext && !isPerplexity) return usage;
  if (usage.webSearchesLow !== undefined || usage.webSearchesMedium !== undefined) return usage;
  const webSearches = usage.webSearches ?? (usage.inputTokens || usage.outputTokens ? 1 : 0);
  const size = searchContext && searchContext !== 'any' ? searchContext : isPerplexity ? 'low' : 'medium';
  const name = size === 'low' ? 'webSearchesLow' : size === 'medium' ? 'webSearchesMedium' : 'webSearches';
  if (!webSearches || price?.[name] === undefined) return webSearches ? { ...usage, webSearches } : usage;
  const { webSearches: _, ...counts } = usage;
  return { ...counts, [name]: webSearches };
}
