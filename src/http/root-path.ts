import type { IncomingMessage } from 'node:http';
import { withBarePlus } from './bare-plus.js';
import { withoutOpenAiPrefix } from './openai-prefix.js';

type Rewriter = (request: Pick<IncomingMessage, 'url'>) => string;

/**
 * Returns the function that rewrites the address of a request before it is routed. What is routed is what the guards check, so
 * all spellings of an address have the same rules. `rootPath`: the prefix that a proxy in front leaves on.
 */
export const addressRewriter = (rootPath: string): Rewriter =>
  rootPath
    ? ({ url = '/' }) => withBarePlus(withoutOpenAiPrefix({ url: withoutRootPath(url, rootPath) }))
    : (request) => withBarePlus(withoutOpenAiPrefix(request));

/** Takes the prefix off, once. Addresses without it stay as they are. */
function withoutRootPath(url: string, rootPath: string): string {
  if (!url.startsWith(rootPath)) return url;
  const rest = url.slice(rootPath.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : url;
}
