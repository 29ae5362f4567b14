import { Module } from '@nestjs/common';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { Installation } from '../installation/installation.js';
import { InstallationModule } from '../installation/installation.module.js';
import { Redis } from '../redis/redis.js';
import { RedisModule } from '../redis/redis.module.js';
import { MemoryRateLimits } from './memory-rate-limits.js';
import { RateLimits } from './rate-limits.js';
import { RedisRateLimits } from './redis-rate-limits.js';

/** Counts calls and tokens per minute and running calls: in memory, or in Redis for all replicas. */
@Module({
  imports: [RedisModule, InstallationModule],
  providers: [
    {
      provide: RateLimits,
      inject: [CONFIG, Redis, Installation, CLOCK],
      useFactory: (config: Config, redis: Redis, installation: Installation, clock: Clock) =>
        config.redisUrl
          ? new RedisRateLimits(redis, installation, config)
          : new MemoryRateLimits(clock, config),
    },
  ],
  exports: [RateLimits],
})
export class RateLimitsModule {}
