import type { FastifyRequest } from 'fastify';
import { keyHashOf } from '../platform/secrets.js';

/**
 * The path of the route that was matched, with its parameters put back: what lists of routes are asked about. Not the
 * text the client sent, which the router may have read differently (`#`, `%` escapes, an absolute form). A key stands in it
 * as its hash: paths are told and logged.
 */
export function matchedPath({
  routeOptions,
  params,
}: Pick<FastifyRequest, 'params'> & { readonly routeOptions: { readonly url?: string } }): string {
  const template = routeOptions.url ?? '';
  return template.includes(':')
    ? template.replace(/:(\w+)/g, (_, name: string) =>
        segment(parameter(name, (params as Record<string, string>)[name] ?? '')),
      )
    : template;
}

const parameter = (name: string, value: string) => (name === 'key' ? keyHashOf(value) : value);

/** One segment stays one segment. */
const segment = (text: string) => text.replace(/[/?#%]/g, encodeURIComponent);
