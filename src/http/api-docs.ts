import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { openApiDocument } from './openapi-document.js';

const compress = promisify(gzip);

/**
 * Headers for the Swagger page. It stores the key typed into it, so no page may frame it and it runs only its own script.
 */
const DOCS_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  vary: 'accept-encoding, origin',
};

/** The route of Swagger's own files, which change only with an upgrade. */
const FILES = '/docs/*';
/** Other addresses of the page. The document says where the routes are relative to `/docs`. */
const OTHER_PAGES = new Set(['/docs/', '/docs/index.html']);
/** More compressed responses than the documentation has files. */
const MAX_COMPRESSED = 32;

/** Serves the Swagger page and the OpenAPI document. `rootPath`: the prefix that a proxy in front leaves on paths. */
export function serveDocs(app: NestFastifyApplication, rootPath: string): void {
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', ({ raw: { url } }, reply, done) => {
    if (OTHER_PAGES.has(url!.split('?')[0]!)) void reply.redirect('../docs', 308);
    else done();
  });
  const compressed = new Map<string, Promise<Buffer>>();
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const { url } = request.routeOptions;
    if (!url?.startsWith('/docs') && !url?.startsWith('/openapi.')) return done(null, payload);
    reply.headers({
      ...DOCS_HEADERS,
      'cache-control': url === FILES ? 'public, max-age=3600' : 'no-cache',
    });
    const body = compressedBody(request, reply, payload, compressed);
    if (!body) return done(null, payload);
    body.then(
      (bytes) => {
        reply.header('content-encoding', 'gzip').removeHeader('content-length').removeHeader('accept-ranges');
        done(null, bytes);
      },
      (error: Error) => done(error),
    );
  });
  SwaggerModule.setup('docs', app, () => openApiDocument(app, rootPath), {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
    customSiteTitle: 'Tollgate',
    swaggerOptions: { persistAuthorization: true },
  });
}

/** Returns the compressed response, which is the same for every client; undefined if it is sent as it is. */
function compressedBody(
  { method, headers, url }: FastifyRequest,
  { statusCode }: FastifyReply,
  payload: unknown,
  compressed: Map<string, Promise<Buffer>>,
): Promise<Buffer> | undefined {
  const accepts = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(headers['accept-encoding'] ?? '');
  if (method !== 'GET' || statusCode !== 200 || !accepts) return undefined;
  const path = url.split('?')[0]!;
  const known = compressed.get(path);
  if (known) {
    if (payload instanceof Readable) payload.destroy();
    return known;
  }
  if (compressed.size >= MAX_COMPRESSED) return undefined;
  const whole = payload instanceof Readable ? buffer(payload) : Promise.resolve(String(payload));
  const body = whole.then((bytes) => compress(bytes));
  compressed.set(path, body);
  body.catch(() => compressed.delete(path));
  return body;
}
