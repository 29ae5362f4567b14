import type { FastifyRequest } from 'fastify';
import { keyHashOf } from '../platform/secrets.js';

/**
 * Returns the path of the matched route with its parameters inserted, to compare with lists of routes. It is not the text that
 * the client sent, which the router may have read differently (`#`, `%` escapes, an absolute form). A key is replaced by its
 * hash, because paths are shown and logged.
 */
export function matchedPath({
  routeOptions,
  params,
}: Pick<FastifyRequest, 'params'> & { readonly routeOptions: { readonly url?: string } }): string {
  const template = routeOptions.url ?? '';
  // The wildcard of all paths without a route stays as it is.
  if (template.endsWith('/*') && template !== '/*')
    return template.slice(0, -1) + segment((params as Record<string, string>)['*'] ?? '');
  return template.includes(':')
    ? template.replace(/:(\w+)/g, (_, name: string) =>
        segment(parameter(name, (params as Record<string, string>)[name] ?? '')),
      )
    : template;
}

const parameter = (name: string, value: string) => (name === 'key' ? keyHashOf(value) : value);

/** Escapes a parameter, so that it stays one segment. */
const segment = (text: string) => text.replace(/[/?#%]/g, encodeURIComponent);
