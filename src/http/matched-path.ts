import type { FastifyRequest } from 'fastify';

/**
 * The path of the route that was matched, with its parameters put back: what lists of routes are asked about. Not the
 * text the client sent, which the router may have read differently (`#`, `%` escapes, an absolute form).
 */
export function matchedPath({
  routeOptions,
  params,
}: Pick<FastifyRequest, 'params'> & { readonly routeOptions: { readonly url?: string } }): string {
  const template = routeOptions.url ?? '';
  return template.includes(':')
    ? template.replace(/:(\w+)/g, (_, name: string) =>
        segment((params as Record<string, string>)[name] ?? ''),
      )
    : template;
}

/** One segment stays one segment. */
const segment = (text: string) => text.replace(/[/?#%]/g, encodeURIComponent);
