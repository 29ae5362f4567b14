import { CACHE_MANAGER, CacheInterceptor } from '@nestjs/cache-manager';
import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import type { Cache } from 'cache-manager';
import type { FastifyRequest } from 'fastify';
import { ChangeEpochs } from '../cache/change-epochs.js';

/**
 * Caches the views admin reads answer with. The key says who asks, so no caller ever sees another's answer, and how
 * many writes there were, so every write starts afresh. Current figures are not in a view; they are laid over it.
 */
@Injectable()
export class ViewCacheInterceptor extends CacheInterceptor {
  constructor(
    @Inject(CACHE_MANAGER) cache: Cache,
    reflector: Reflector,
    private readonly changes: ChangeEpochs,
    @Inject(HttpAdapterHost) protected override readonly httpAdapterHost: HttpAdapterHost,
  ) {
    super(cache, reflector);
  }

  protected override trackBy(context: ExecutionContext): string | undefined {
    const { method, url, principal: caller } = context.switchToHttp().getRequest<FastifyRequest>();
    if (method !== 'GET' || !caller) return undefined;
    return `view:${caller.keyHash ?? caller.tokenId ?? 'master'}:${this.changes.epoch}:${url}`;
  }
}
