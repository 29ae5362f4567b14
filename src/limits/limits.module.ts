import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { MemoryRateLimits } from './memory-rate-limits.js';
import { RateLimits } from './rate-limits.js';
import { RedisRateLimits } from './redis-rate-limits.js';

/** Counts calls and tokens per minute, and calls at the same time: in memory, or in Redis for all replicas. */
@Global()
@Module({})
export class LimitsModule {
  static for({ redisUrl }: Config): DynamicModule {
    return {
      module: LimitsModule,
      providers: [{ provide: RateLimits, useClass: redisUrl ? RedisRateLimits : MemoryRateLimits }],
      exports: [RateLimits],
    };
  }
}
