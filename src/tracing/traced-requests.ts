import type { Context } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { currentTracing } from './traced.js';

/** Starts a span for every request, the parent of all spans in it. Does nothing if tracing is off. */
export function traceRequests(fastify: FastifyInstance): void {
  const tracing = currentTracing();
  if (!tracing) return;
  const { api, tracer, parentIn } = tracing;
  const contexts = new WeakMap<FastifyRequest, Context>();
  fastify.addHook('onRequest', (request, { raw }, done) => {
    const { id, method, headers, routeOptions } = request;
    const route = routeOptions.url ?? '*';
    const parent = parentIn(headers);
    const span = tracer.startSpan(
      `${method} ${route}`,
      {
        kind: api.SpanKind.SERVER,
        attributes: { 'http.request.method': method, 'http.route': route, 'tollgate.request_id': id },
      },
      parent,
    );
    contexts.set(request, api.trace.setSpan(parent, span));
    raw.once('close', () => {
      if (raw.headersSent) span.setAttribute('http.response.status_code', raw.statusCode);
      else span.setAttribute('error.type', 'client_gone');
      if (raw.headersSent && raw.statusCode >= 500) span.setStatus({ code: api.SpanStatusCode.ERROR });
      span.end();
    });
    done();
  });
  // The context starts here, because other requests run while the body is read.
  fastify.addHook('preHandler', (request, _, done) => api.context.with(contexts.get(request)!, done));
}
