import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  ServiceUnavailableException,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { defer, finalize, type Observable, of, retry, throwError } from 'rxjs';
import { QueryFailedError } from 'typeorm';
import { runAsActor, RightsChangedError } from '../platform/audit-context.js';

/** So often a request is handled anew, when its caller's rights change again and again. */
const MAX_RETRIES = 5;
/** PostgreSQL's code for one of two transactions that wait for each other. */
const DEADLOCK = '40P01';

/**
 * Makes a handler behind an administrator's door act on behalf of its caller. Handles a request anew, from its body on, when
 * the caller's rights changed before it was written: nothing was kept, and what may be done is decided by the new ones.
 */
@Injectable()
export class AuditContextInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { id: requestId, method, rights } = request;
    if (!request.principal || method === 'GET' || method === 'HEAD') return next.handle();
    return defer(() => {
      const { id, keyHash } = request.principal!;
      const who = { id, ...(keyHash && { keyHash }), requestId, ...(rights && { rights }) };
      const { started, end } = runAsActor(who, () => next.handle());
      return started.pipe(finalize(end));
    }).pipe(
      retry({ delay: (error, tries) => (mayRetry(error, tries) ? of(true) : throwError(() => told(error))) }),
    );
  }
}

const mayRetry = (error: unknown, tries: number) =>
  tries <= MAX_RETRIES &&
  ((error instanceof RightsChangedError && !error.refusal) ||
    (error instanceof QueryFailedError && (error as { code?: unknown }).code === DEADLOCK));

function told(error: unknown): unknown {
  if (!(error instanceof RightsChangedError)) return error;
  return (
    error.refusal ??
    new ServiceUnavailableException({ message: 'The rights of the caller are changing. Try again.' })
  );
}
