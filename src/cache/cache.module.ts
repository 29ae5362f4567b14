import { CacheModule as NestCacheModule } from '@nestjs/cache-manager';
import { Module } from '@nestjs/common';
import { Keyv } from 'keyv';
import { InstallationModule } from '../installation/installation.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { RedisModule } from '../redis/redis.module.js';
import { BoundedMap } from './bounded-map.js';
import { Changes } from './changes.js';
import { FarRows } from './far-rows.js';
import { Revisions } from './revisions.js';
import { RowCache } from './row-cache.js';

/** What is made of a key's row is kept longer than the row, and in `CallerCache`: here are those that many share, and those read just now. */
const MAX_ENTRIES = 20_000;

/** The nearest tier; `FarRows` is behind it. Values are kept as they are, not copied: they are frozen. */
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
  providers: [Changes, Revisions, FarRows, RowCache],
  exports: [NestCacheModule, Changes, Revisions, RowCache],
})
export class CacheModule {}
