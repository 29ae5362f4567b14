import { Module } from '@nestjs/common';
import { Redis } from './redis.js';

/** What replicas share besides the database: counters of rate limits, hints that something changed. */
@Module({ providers: [Redis], exports: [Redis] })
export class RedisModule {}
