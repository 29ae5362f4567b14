import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/**
 * Headers by which browsers let every page read a response. Without `access-control-allow-credentials` a browser sends no
 * cookies, and `*` exposes every header.
 */
export const ANY_ORIGIN_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': '*',
} as const;

export interface CrossOriginSettings {
  /** Paths of the routes that every page may call. */
  readonly openPaths: ReadonlySet<string>;
  /** Origins of the pages that may call all other routes. */
  readonly allowedOrigins: readonly string[];
}

/** How long a browser remembers a preflight; Chrome's maximum. */
const MAX_AGE_SECONDS = '7200';
const OPEN_METHODS = 'GET, POST';
const ALL_METHODS = 'GET, POST, PUT, PATCH, DELETE';
/** A list of header names, as a browser sends it. */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]{1,128}(?:, ?[\w!#$%&'*+.^`|~-]{1,128}){0,127}$/;
const USUAL_HEADERS = 'authorization, content-type, x-api-key';

/**
 * Lets pages of other origins call the gateway from a browser: any page the open paths, pages of the allowed origins all
 * others. Every request needs its key as ever. Must be added before hooks that refuse requests, so that a page can read
 * refusals, and before the routes are registered.
 */
export function allowCrossOrigins(
  fastify: FastifyInstance,
  { openPaths, allowedOrigins }: CrossOriginSettings,
): void {
  const allowed = new Set(allowedOrigins);
  const hasPreflight = (url: string) => openPaths.has(url) || (allowed.size > 0 && !url.endsWith('*'));
  answerPreflights(fastify, hasPreflight);
  fastify.addHook('onRequest', (request, reply, done) => {
    const { url = '' } = request.routeOptions;
    const isOpen = openPaths.has(url);
    if (isOpen) reply.headers(ANY_ORIGIN_HEADERS);
    else if (allowed.size) addAllowedOrigin(request, reply, allowed);
    if (request.method === 'OPTIONS' && hasPreflight(url)) preflight(request, reply, isOpen);
    else done();
  });
}

/** Registers OPTIONS beside the other methods of a route. */
function answerPreflights(fastify: FastifyInstance, hasPreflight: (url: string) => boolean): void {
  const known = new Set<string>();
  fastify.addHook('onRoute', ({ url, method }) => {
    const path = url.length > 1 && url.endsWith('/') ? url.slice(0, -1) : url;
    if (known.has(path) || [method].flat().includes('OPTIONS') || !hasPreflight(path)) return;
    known.add(path);
    // The hook of requests responds.
    fastify.options(path, (_, reply) => reply.status(204).send());
  });
}

/** Caches must know that the response depends on the origin, also where it is not allowed. */
function addAllowedOrigin(
  { headers: { origin } }: FastifyRequest,
  reply: FastifyReply,
  allowed: Set<string>,
): void {
  reply.header('vary', 'origin');
  if (origin === undefined || !allowed.has(origin)) return;
  reply.headers({ ...ANY_ORIGIN_HEADERS, 'access-control-allow-origin': origin });
}

function preflight({ headers }: FastifyRequest, reply: FastifyReply, isOpen: boolean): void {
  const names = headers['access-control-request-headers'];
  const isAllowed = reply.hasHeader('access-control-allow-origin');
  void reply
    .status(204)
    .headers(
      isAllowed
        ? {
            'access-control-allow-methods': isOpen ? OPEN_METHODS : ALL_METHODS,
            'access-control-allow-headers':
              names !== undefined && HEADER_NAMES.test(names) ? names : USUAL_HEADERS,
            'access-control-max-age': MAX_AGE_SECONDS,
          }
        : {},
    )
    .send();
}
