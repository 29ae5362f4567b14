import { Global, Module } from '@nestjs/common';
import { Meters } from './meters.js';
import { MetricsController } from './metrics.controller.js';

@Global()
@Module({ controllers: [MetricsController], providers: [Meters], exports: [Meters] })
export class MetricsModule {}
