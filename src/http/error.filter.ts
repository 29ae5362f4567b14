import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { QueryFailedError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { OverloadedError } from '../platform/overloaded.error.js';
import { DependencyUnavailableError } from '../platform/dependency-unavailable.error.js';

/** The envelope's `type` where nobody named a finer one. */
const TYPE: Record<number, string> = {
  400: 'bad_request_error',
  401: 'auth_error',
  403: 'auth_error',
  404: 'not_found_error',
  409: 'conflict_error',
  413: 'request_too_large',
  415: 'bad_request_error',
  422: 'validation_error',
  429: 'rate_limit_exceeded',
  503: 'service_unavailable',
};

const MAX_HEARD_OUT_BYTES = 64 * 1024 * 1024;

const ANTHROPIC = /\/messages(?:\/count_tokens)?$/;

/** Anthropic's clients look for the same envelope inside one of theirs. */
const speaksAnthropic = ({ routeOptions }: FastifyRequest) => ANTHROPIC.test(routeOptions.url ?? '');

interface Told {
  readonly status: number;
  readonly message: string;
  readonly type?: string;
  readonly param?: string | null;
  readonly details?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
}

const OUR_MISTAKE: Told = {
  status: 500,
  message: 'Something went wrong inside the gateway. The request id tells its operators where to look.',
  type: 'internal_server_error',
};

const unavailable = (who: string): Told => ({
  status: 503,
  message: `Service Unavailable, the ${who} is temporarily unreachable. Please retry shortly.`,
  headers: { 'retry-after': '5' },
});

/** The database answers, but not to this. The same again would be ended again: no `retry-after`. */
const TOO_MUCH: Told = {
  status: 503,
  message:
    'The database is there, but what was asked takes longer than it may (10 s), and was ended. Ask for less at once, for instance for a shorter time.',
};

const TAKEN: Told = { status: 409, message: 'Somebody else took the same name in the same moment.' };

const OVERLOADED: Told = {
  status: 503,
  message: 'The gateway has more to do than it can do in time. Try again in a moment.',
  headers: { 'retry-after': '1' },
};

/** Everything that is thrown leaves here, in one envelope. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const told = toErrorResponse(error);
    // Under load a line for each would be one more load; they are counted.
    if (told.status >= 500 && told !== OVERLOADED) this.log(request, told, error);
    if (reply.sent || reply.raw.headersSent) return void reply.raw.destroy();
    const { status, message, type, param = null, details, headers } = told;
    const envelope = {
      error: {
        message,
        type: type ?? TYPE[status] ?? (status >= 500 ? 'internal_server_error' : 'bad_request_error'),
        param,
        code: String(status),
        details: { ...details, request_id: request.id },
      },
    };
    // Who is cut off while still sending never hears why.
    if (status === 413 && isHeardOut(request)) reply.removeHeader('connection');
    void reply
      .status(status)
      .headers({ 'x-request-id': request.id, ...headers })
      .send(speaksAnthropic(request) ? { type: 'error', ...envelope, request_id: request.id } : envelope);
  }

  private log(request: FastifyRequest, { status }: Told, error: unknown): void {
    const reason = error instanceof HttpException ? error.message : error;
    this.logger.error(
      `${request.method} ${request.routeOptions.url ?? '-'} ${status}`,
      { request_id: request.id },
      reason instanceof Error ? reason.stack : reason,
    );
  }
}

/** Fastify would close the connection. node reads away what comes of a body that nobody wants. */
const isHeardOut = ({ headers }: FastifyRequest) => Number(headers['content-length']) <= MAX_HEARD_OUT_BYTES;

/** The answer to anything that was thrown. */
export function toErrorResponse(error: unknown): Told {
  if (error instanceof HttpException) return httpException(error);
  if (error instanceof OverloadedError) return OVERLOADED;
  if (error instanceof DependencyUnavailableError) return unavailable(error.who);
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  // Fastify's own refusals: too large, unreadable, too slow, broken off. The last has the code of a lost connection, which is not the database's.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, message: message ?? 'The request is not readable.' };
  }
  if (isTaken(error)) return TAKEN;
  if (isTimeout(error)) return TOO_MUCH;
  if (isDatabaseFailure(error)) return unavailable('database');
  return OUR_MISTAKE;
}

function httpException(error: HttpException): Told {
  const status = error.getStatus();
  const body = error.getResponse();
  const headers = (error as { headers?: Record<string, string> }).headers;
  const { message, type, param, details, fields } = (typeof body === 'string' ? { message: body } : body) as {
    message?: string | string[];
    type?: string;
    param?: string | null;
    details?: Record<string, unknown>;
    fields?: readonly { field: string; message: string }[];
  };
  const named = new Set(fields?.map(({ field }) => field));
  const only = named.size === 1 ? [...named][0] : undefined;
  return {
    status,
    message: Array.isArray(message) ? message.join('; ') : (message ?? error.message),
    ...(type !== undefined && { type }),
    param: param ?? only ?? null,
    ...((details || fields) && { details: { ...details, ...(fields && { fields }) } }),
    ...(headers ? { headers } : status === 503 && { headers: { 'retry-after': '5' } }),
  };
}

/**
 * Codes of PostgreSQL and SQLite that say nothing about the statement: the connection, the server, its room, or another
 * transaction in the way.
 */
const TROUBLE_CODE =
  /^(?:ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|08|28|3D|53|57P|58|25006|25P03|40001|40P01|55P03|SQLITE_(?:BUSY|LOCKED|PROTOCOL|IOERR|FULL|NOMEM|CANTOPEN|READONLY|CORRUPT|NOTADB|INTERRUPT))/;
/** Messages of `pg` about connections, which have no code. */
const TROUBLE_MESSAGE =
  /^(?:Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|There was an error establishing an SSL connection|The server does not support SSL|Client (?:was closed|has encountered a connection error)|Cannot use a pool after calling end)/;

/** Of two who want the same name at once, both may have found it free. PostgreSQL's word for it; SQLite has one writer at a time. */
const isTaken = (error: unknown) =>
  error instanceof QueryFailedError && (error as { code?: unknown }).code === '23505';

/** PostgreSQL ended the statement because it took longer than it may. */
const isTimeout = (error: unknown) => (error as { code?: unknown }).code === '57014';

/**
 * Says whether the database could not be reached, or could not do its work now. That is never the caller's fault, and never
 * permission. A statement it could not read is our own mistake: trying again would not help.
 */
export function isDatabaseFailure(error: unknown): boolean {
  if (error instanceof QueryRunnerAlreadyReleasedError) return true;
  const { code, message, driverError } = error as {
    code?: unknown;
    message?: unknown;
    driverError?: unknown;
  };
  return (
    (typeof code === 'string' && TROUBLE_CODE.test(code)) ||
    (typeof message === 'string' && TROUBLE_MESSAGE.test(message)) ||
    (error instanceof QueryFailedError && driverError !== error && isDatabaseFailure(driverError ?? {}))
  );
}
