import { type HttpException, MethodNotAllowedException, NotFoundException } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyInstance {
    /** Returns the methods of the routes that match a path. */
    methodsOf(path: string): readonly string[];
  }
}

const MAX_SHOWN_CHARS = 200;

/** Collects the methods of every route. Must run before the routes are registered. */
export function collectRouteMethods(fastify: FastifyInstance): void {
  const methodsByTemplate = new Map<string, Set<string>>();
  fastify.addHook('onRoute', ({ url, method }) => {
    if (url === '*' || url === '/*') return;
    const template = withoutEndSlash(url);
    const methods = methodsByTemplate.get(template) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    // The router answers HEAD wherever it answers GET.
    if (methods.has('GET')) methods.add('HEAD');
    methodsByTemplate.set(template, methods);
  });
  let patterns: readonly { readonly path: RegExp; readonly methods: ReadonlySet<string> }[] | undefined;
  fastify.decorate('methodsOf', (path: string) => {
    patterns ??= Array.from(methodsByTemplate, ([template, methods]) => ({
      path: patternOf(template),
      methods,
    }));
    const plain = withoutEndSlash(path);
    return [
      ...new Set(patterns.flatMap((pattern) => (pattern.path.test(plain) ? [...pattern.methods] : []))),
    ].toSorted();
  });
}

const withoutEndSlash = (path: string) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);

const patternOf = (template: string) =>
  new RegExp(
    `^${template
      .split('/')
      .map((segment) =>
        segment === '*' ? '.+' : segment.startsWith(':') ? '[^/]+' : segment.replaceAll('.', '\\.'),
      )
      .join('/')}$`,
  );

/** Returns the exception for a request without a route: 405 if its path has routes of other methods, else 404. */
export function noRoute({ method, raw, server }: FastifyRequest): HttpException {
  const path = raw.url!.split('?')[0]!;
  const shown = path.slice(0, MAX_SHOWN_CHARS);
  const methods = server.methodsOf(path);
  // A route may find nothing for its own method, such as a file of the documentation.
  if (!methods.length || methods.includes(method))
    return new NotFoundException({ message: `There is no ${method} ${shown} here. All routes: /docs` });
  const allow = methods.join(', ');
  const message = `${shown} takes ${allow}, not ${method}.`;
  return Object.assign(new MethodNotAllowedException({ message }), { headers: { allow } });
}

/** Returns whether Nest's router threw the error because no route matches. */
export const isOfRouter = (error: unknown): boolean =>
  error instanceof NotFoundException && /^Cannot [A-Z-]+ /.test(error.message);
