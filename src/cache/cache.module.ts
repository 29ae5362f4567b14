import { CacheModule as NestCacheModule } from '@nestjs/cache-manager';
import { Module } from '@nestjs/common';
import { Keyv } from 'keyv';
import { InstallationModule } from '../installation/installation.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { RedisModule } from '../redis/redis.module.js';
import { BoundedMap } from './bounded-map.js';
import { ChangeEpochs } from './change-epochs.js';
import { RedisRowCache } from './redis-row-cache.js';
import { Revisions } from './revisions.js';
import { RowCache } from './row-cache.js';

/** Bounds the row cache. Key rows need little space here, because `CallerCache` keeps what is derived from them. */
const MAX_ENTRIES = 20_000;

/** Returns the first tier, in memory; `RedisRowCache` is the second. Values are frozen, so they are not copied. */
function memoryTier(): Keyv {
  return new Keyv({ store: new BoundedMap(MAX_ENTRIES), serialize: undefined, deserialize: undefined });
}

@Module({
  imports: [
    NestCacheModule.registerAsync({ useFactory: () => ({ stores: [memoryTier()] }) }),
    InstallationModule,
    MetricsModule,
    RedisModule,
  ],
  providers: [ChangeEpochs, Revisions, RedisRowCache, RowCache],
  exports: [NestCacheModule, ChangeEpochs, Revisions, RowCache],
})
export class CacheModule {}
