import { CacheModule as NestCacheModule } from '@nestjs/cache-manager';
import { Global, Module } from '@nestjs/common';
import { Keyv } from 'keyv';
import { BoundedMap } from './bounded-map.js';
import { Changes } from './changes.js';
import { Revisions } from './revisions.js';
import { RowCache } from './row-cache.js';

const MAX_ENTRIES = 100_000;

/** The tiers of the cache, nearest first. A shared tier (Redis) goes behind the memory of this process. */
const tiers = () => [memoryTier()];

/** Values are kept as they are, not copied: they are frozen. */
function memoryTier(): Keyv {
  return new Keyv({ store: new BoundedMap(MAX_ENTRIES), serialize: undefined, deserialize: undefined });
}

@Global()
@Module({
  imports: [NestCacheModule.registerAsync({ useFactory: () => ({ stores: tiers() }) })],
  providers: [Changes, Revisions, RowCache],
  exports: [NestCacheModule, Changes, Revisions, RowCache],
})
export class CacheModule {}
