import { BadRequestException, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { AppModule } from './app.module.js';
import { presentedCredential } from './access/credential.js';
import { FactsLoader } from './access/facts.loader.js';
import { RouteGuardCheck } from './access/route-guard-check.js';
import { LoadShedder } from './completions/load-shedder.js';
import type { Config } from './config/config.js';
import { MODEL_LIST_PATHS, MODEL_PATHS, MODEL_PATHS_WITH_SLASHES } from './completions/openai-paths.js';
import { resolveClientAddresses } from './http/client-address.js';
import { allowCrossOrigins } from './http/cross-origin.js';
import { MAX_NAME_BYTES } from './policy/name.js';
import { rejectWebSockets } from './http/web-sockets.js';
import { boundIdleConnections } from './http/idle-connections.js';
import { serveDocs } from './http/api-docs.js';
import { clientCallId, requestIdOf } from './http/request-ids.js';
import { addressRewriter } from './http/root-path.js';
import { collectRouteMethods } from './http/route-methods.js';
import { traceRequests } from './tracing/traced-requests.js';
import { BodiesUnderWay } from './body/bodies-under-way.js';
import { bodyReader, countsUntilAnswered } from './body/read-body.js';
import { rejectConnect, rejectMalformedConnection, rejectMalformedPath } from './body/malformed-requests.js';
import { respondToExpectations } from './access/expectations.js';
import { withoutOmittedMarks } from './http/omitted-mark.js';
import { ignoredFields } from './admin/admin-validation.pipe.js';

const MEBIBYTE = 1024 * 1024;
const BODY_TIMEOUT_MS = 60_000;
/** Maximum of one segment of a path: the name of a model, each byte of it escaped. */
const MAX_PARAM_CHARS = 3 * MAX_NAME_BYTES;

/** Options of a command that runs the application. */
export interface AppOptions {
  /** Further modules, behind the same guards. */
  readonly modules?: readonly Type[];
  /** The application runs a command: no client waits for a response. */
  readonly isCommand?: boolean;
}

/** Builds the whole application, ready to listen: the same for the process and for tests. */
export async function createApp(config: Config, options: AppOptions = {}): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: config.general.maxRequestSizeMb * MEBIBYTE,
    requestTimeout: BODY_TIMEOUT_MS,
    keepAliveTimeout: config.general.keepaliveTimeoutMs,
    forceCloseConnections: 'idle',
    frameworkErrors: rejectMalformedPath,
    clientErrorHandler: rejectMalformedConnection,
    // The first hook checks it, with a response that is JSON.
    http: { requireHostHeader: false },
    // A route has one path for lists of routes, with or without a slash at its end.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_CHARS },
    rewriteUrl: addressRewriter(config.rootPath),
    genReqId: ({ headers }: IncomingMessage) => requestIdOf(headers),
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.for(config, options), adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: ['error', 'warn'],
  });
  takeBodiesAsBytes(
    adapter.getInstance(),
    app.get(FactsLoader),
    new BodiesUnderWay(config.general.maxRequestBytesInFlight),
  );
  const routes = app.get(RouteGuardCheck);
  describeAnswers(adapter.getInstance(), routes);
  allowCrossOrigins(adapter.getInstance(), {
    openPaths: new Set([...routes.modelPaths, ...MODEL_READS]),
    allowedOrigins: config.general.corsAllowedOrigins,
  });
  rejectWebSockets(adapter.getInstance());
  traceRequests(adapter.getInstance());
  requireOneHost(adapter.getInstance());
  respondToExpectations(adapter.getInstance().server, app.get(FactsLoader));
  rejectConnect(adapter.getInstance().server);
  collectRouteMethods(adapter.getInstance());
  resolveClientAddresses(adapter.getInstance(), config.general);
  shedLoad(adapter.getInstance(), app.get(LoadShedder), routes);
  boundIdleConnections(adapter.getInstance().server, config.general.keepaliveTimeoutMs);
  serveDocs(app, config.rootPath);
  await app.init();
  return app;
}

const MODEL_READS = [...MODEL_LIST_PATHS, ...MODEL_PATHS, ...MODEL_PATHS_WITH_SLASHES].map(
  (path) => `/${path}`,
);

/** Guards run before anything is parsed: a body stays bytes until its reader is authorized. */
function takeBodiesAsBytes(fastify: FastifyInstance, loader: FactsLoader, underWay: BodiesUnderWay): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    '*',
    bodyReader(
      ({ headers, raw }) => loader.isUnauthenticated(presentedCredential(headers, raw.rawHeaders)),
      underWay,
    ),
  );
  fastify.addHook('preHandler', ({ body }, { raw }, done) => {
    if (countsUntilAnswered(body)) {
      const giveBack = () => underWay.release(body.length);
      if (raw.closed) giveBack();
      else raw.once('close', giveBack);
    }
    done();
  });
}

/** Refuses requests without a `Host` header, or with two (RFC 9112, 3.2): a proxy may have read the other one. */
function requireOneHost(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ raw: { rawHeaders, headers, httpVersion } }, _, done) => {
    if (headers.host === undefined && httpVersion === '1.1')
      return done(new BadRequestException({ message: 'The request has no Host header.' }));
    done(
      isGivenTwice('host', rawHeaders)
        ? new BadRequestException({ message: 'The request has more than one Host header.' })
        : undefined,
    );
  });
}

function isGivenTwice(name: string, rawHeaders: readonly string[]): boolean {
  let times = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i]!;
    if (raw.length === name.length && raw.toLowerCase() === name) times++;
  }
  return times > 1;
}

/**
 * Refuses a call that this process has no capacity for, before reading its body or credential. Other routes always
 * respond.
 */
function shedLoad(fastify: FastifyInstance, load: LoadShedder, { modelPaths }: RouteGuardCheck): void {
  fastify.addHook('onRequest', ({ routeOptions }, _, done) => {
    done(modelPaths.has(routeOptions.url ?? '') ? load.overload() : undefined);
  });
}

function describeAnswers(fastify: FastifyInstance, { modelPaths }: RouteGuardCheck): void {
  fastify.addHook('preSerialization', (_, reply, payload, done) => {
    const { body, rows } = withoutOmittedMarks(payload);
    if (rows.length)
      reply.header('x-tollgate-left-out', `metadata of ${rows.map(encodeURIComponent).join(', ')}`);
    done(null, body);
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    reply.header('x-request-id', request.id);
    const ignored = ignoredFields(request.body);
    if (ignored) reply.header('x-tollgate-ignored', ignored.map(encodeURIComponent).join(', '));
    // A call that went nowhere has no entry in the ledger, so that its request's id is its only one.
    if (modelPaths.has(request.routeOptions.url ?? '') && !reply.hasHeader('x-litellm-call-id'))
      reply.headers({
        'x-litellm-call-id': clientCallId(request.headers) ?? request.id,
        'x-litellm-response-cost': '0',
      });
    done(null, payload);
  });
}
