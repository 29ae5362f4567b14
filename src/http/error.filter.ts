import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { QueryFailedError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { type ErrorResponse, renderError } from './error-response.js';
import { MissingRowException } from './missing-row.exception.js';
import { isOfRouter, noRoute } from './route-methods.js';
import { OverloadedError } from '../platform/overloaded.error.js';
import { DependencyUnavailableError } from '../platform/dependency-unavailable.error.js';

const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

const INTERNAL_ERROR: ErrorResponse = {
  status: 500,
  message: 'Something went wrong inside the gateway. The request id tells its operators where to look.',
  type: 'internal_server_error',
};

const unavailable = (who: string): ErrorResponse => ({
  status: 503,
  message: `Service Unavailable, the ${who} is temporarily unreachable. Please retry shortly.`,
  headers: { 'retry-after': '5' },
});

/** The response for a statement that PostgreSQL ended. It has no `retry-after`, because a retry would end in the same way. */
const STATEMENT_TIMEOUT: ErrorResponse = {
  status: 503,
  message:
    'The database is there, but what was asked takes longer than it may (10 s), and was ended. Ask for less at once, for instance for a shorter time.',
  details: { retryable: false },
};

const NAME_CONFLICT: ErrorResponse = {
  status: 409,
  message: 'Somebody else took the same name in the same moment.',
};

const OVERLOADED: ErrorResponse = {
  status: 503,
  message: 'The gateway has more to do than it can do in time. Try again in a moment.',
  headers: { 'retry-after': '1' },
};

/** Converts every error to a response with one envelope. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const error = forCaller(thrown, request);
    const reply = http.getResponse<FastifyReply>();
    const response = toErrorResponse(error);
    // Shed calls are counted but not logged, because log lines would add to the load.
    if (response.status >= 500 && response !== OVERLOADED) this.log(request, response, error);
    if (reply.sent || reply.raw.headersSent) return void reply.raw.destroy();
    const { status } = response;
    const { id, raw } = request;
    const { headers, body } = renderError(response, { id, url: raw.url ?? '', headers: raw.headers });
    // A client that is disconnected while it still sends its body does not read the response.
    if ((status === 413 || status === 415) && isDiscarded(request)) reply.removeHeader('connection');
    void reply.status(status).headers(headers).send(body);
  }

  private log(request: FastifyRequest, { status }: ErrorResponse, error: unknown): void {
    const reason = error instanceof HttpException ? reasonOf(error) : error;
    this.logger.error(
      `${request.method} ${request.routeOptions.url ?? '-'} ${status}`,
      { request_id: request.id },
      reason instanceof Error ? reason.stack : reason,
    );
  }
}

/** Returns the error as the caller of the request may see it. */
function forCaller(error: unknown, request: FastifyRequest): unknown {
  if (error instanceof MissingRowException) return error.refusalFor(request.principal);
  return isOfRouter(error) ? noRoute(request) : error;
}

const reasonOf = ({ message, cause }: HttpException) =>
  typeof cause === 'string' ? `${message} (${cause})` : message;

/** Returns whether Node may read and discard the rest of a body. Otherwise Fastify closes the connection. */
const isDiscarded = ({ headers }: FastifyRequest) => Number(headers['content-length']) <= MAX_DISCARDED_BYTES;

/** Returns the response for any error. */
export function toErrorResponse(error: unknown): ErrorResponse {
  if (error instanceof HttpException) return httpException(error);
  if (error instanceof OverloadedError) return OVERLOADED;
  if (error instanceof DependencyUnavailableError) return unavailable(error.who);
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  // These are Fastify's refusals: too large, unreadable, too slow, disconnected. The last has the code of a lost connection,
  // so it must not be taken for a database failure.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, message: message ?? 'The request is not readable.' };
  }
  if (isNameConflict(error)) return NAME_CONFLICT;
  if (isTimeout(error)) return STATEMENT_TIMEOUT;
  if (isDatabaseFailure(error)) return unavailable('database');
  return INTERNAL_ERROR;
}

function httpException(error: HttpException): ErrorResponse {
  const status = error.getStatus();
  const body = error.getResponse();
  const headers = (error as { headers?: Record<string, string | string[]> }).headers;
  const { message, type, param, code, details, fields } = (
    typeof body === 'string' ? { message: body } : body
  ) as {
    message?: string | string[];
    type?: string;
    param?: string | null;
    code?: string;
    details?: Record<string, unknown>;
    fields?: readonly { field: string; message: string }[];
  };
  const fieldNames = new Set(fields?.map(({ field }) => field));
  const onlyField = fieldNames.size === 1 ? [...fieldNames][0] : undefined;
  return {
    status,
    message: Array.isArray(message) ? message.join('; ') : (message ?? error.message),
    ...(type !== undefined && { type }),
    param: param ?? onlyField ?? null,
    ...(code !== undefined && { code }),
    ...((details || fields) && { details: { ...details, ...(fields && { fields }) } }),
    ...(headers ? { headers } : status === 503 && { headers: { 'retry-after': '5' } }),
  };
}

/**
 * Error codes of PostgreSQL and SQLite that are not about the statement, but about the connection, the server, its disk, or a
 * conflicting transaction.
 */
const FAILURE_CODES =
  /^(?:ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|08|28|3D|53|57P|58|25006|25P03|40001|40P01|55P03|SQLITE_(?:BUSY|LOCKED|PROTOCOL|IOERR|FULL|NOMEM|CANTOPEN|READONLY|CORRUPT|NOTADB|INTERRUPT))/;
/** Messages of `pg` about connections. These errors have no code. */
const FAILURE_MESSAGES =
  /^(?:Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|There was an error establishing an SSL connection|The server does not support SSL|Client (?:was closed|has encountered a connection error)|Cannot use a pool after calling end)/;

/** Returns whether two callers took the same name at once. Only PostgreSQL reports this, because SQLite has one writer at a time. */
const isNameConflict = (error: unknown) =>
  error instanceof QueryFailedError && (error as { code?: unknown }).code === '23505';

/** Returns whether PostgreSQL ended the statement because it took too long. */
const isTimeout = (error: unknown) => (error as { code?: unknown }).code === '57014';

/**
 * Returns whether the database was unreachable or could not work. That is never the caller's fault, and never a permission. A
 * malformed statement is a programming error instead: a retry would not help.
 */
export function isDatabaseFailure(error: unknown): boolean {
  if (error instanceof QueryRunnerAlreadyReleasedError) return true;
  const { code, message, driverError } = error as {
    code?: unknown;
    message?: unknown;
    driverError?: unknown;
  };
  return (
    (typeof code === 'string' && FAILURE_CODES.test(code)) ||
    (typeof message === 'string' && FAILURE_MESSAGES.test(message)) ||
    (error instanceof QueryFailedError && driverError !== error && isDatabaseFailure(driverError ?? {}))
  );
}
