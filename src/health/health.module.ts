import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { MetricsModule } from '../metrics/metrics.module.js';
import { RedisModule } from '../redis/redis.module.js';
import { Drain } from './drain.js';
import { HealthController } from './health.controller.js';
import { HelloController } from './hello.controller.js';
import { MetricsController } from './metrics.controller.js';

@Module({
  imports: [MetricsModule, RedisModule, TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController, HelloController, MetricsController],
  providers: [Drain],
  exports: [Drain],
})
export class HealthModule {}
