import { CACHE_MANAGER, CacheInterceptor } from '@nestjs/cache-manager';
import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import type { Cache } from 'cache-manager';
import type { FastifyRequest } from 'fastify';
import { ChangeEpochs } from '../cache/change-epochs.js';

/**
 * Caches the views of admin reads. The key contains the caller, so no caller sees another's response, and the number of
 * writes, so every write outdates all of them. Current figures are not cached; they are filled in later.
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
