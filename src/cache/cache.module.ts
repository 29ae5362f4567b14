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

/** What is made of a key's row is kept longer than the row, and in `CallerCache`: here are those that many share, and those read just now. */
const MAX_ENTRIES = 20_000;

/** The nearest tier; `RedisRowCache` is behind it. Values are kept as they are, not copied: they are frozen. */
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
