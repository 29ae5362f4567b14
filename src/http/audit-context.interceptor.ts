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

/** Maximum number of retries if the caller's rights change during a request. */
const MAX_RETRIES = 5;
/** PostgreSQL's code for a deadlock. */
const DEADLOCK = '40P01';

/**
 * Runs the handler of an admin route in the audit context of its caller. Runs it again if the caller's rights changed before
 * the commit: nothing was written then, and the new rights decide.
 */
@Injectable()
export class AuditContextInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { id: requestId, method, rights, storableAddress: clientAddress } = request;
    if (!request.principal || method === 'GET' || method === 'HEAD') return next.handle();
    return defer(() => {
      const { id, keyHash } = request.principal!;
      const actor = { id, ...(keyHash && { keyHash }), requestId, clientAddress, ...(rights && { rights }) };
      const { started, end } = runAsActor(actor, () => next.handle());
      return started.pipe(finalize(end));
    }).pipe(
      retry({
        delay: (error, tries) => (mayRetry(error, tries) ? of(true) : throwError(() => clientError(error))),
      }),
    );
  }
}

const mayRetry = (error: unknown, tries: number) =>
  tries <= MAX_RETRIES &&
  ((error instanceof RightsChangedError && !error.refusal) ||
    (error instanceof QueryFailedError && (error as { code?: unknown }).code === DEADLOCK));

function clientError(error: unknown): unknown {
  if (!(error instanceof RightsChangedError)) return error;
  return (
    error.refusal ??
    new ServiceUnavailableException({ message: 'The rights of the caller are changing. Try again.' })
  );
}
