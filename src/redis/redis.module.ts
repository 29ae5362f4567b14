import { Module } from '@nestjs/common';
import { Redis } from './redis.js';

/** The connection to Redis, which replicas share for rate limits and cache hints. */
@Module({ providers: [Redis], exports: [Redis] })
export class RedisModule {}
