import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { defer, finalize, type Observable } from 'rxjs';
import { actAs } from '../acting.js';

/** What a handler behind an administrator's door writes, it writes on behalf of its caller. */
@Injectable()
export class ActingInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { caller, id: requestId, method } = context.switchToHttp().getRequest<FastifyRequest>();
    if (!caller || method === 'GET' || method === 'HEAD') return next.handle();
    const { id, keyHash } = caller;
    return defer(() => {
      const { started, end } = actAs({ id, ...(keyHash && { keyHash }), requestId }, () => next.handle());
      return started.pipe(finalize(end));
    });
  }
}
