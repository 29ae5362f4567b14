import { Global, Module } from '@nestjs/common';
import { RateLimits } from './rate-limits.js';

/** Counts calls and tokens per minute, and calls at the same time. */
@Global()
@Module({ providers: [RateLimits], exports: [RateLimits] })
export class LimitsModule {}
