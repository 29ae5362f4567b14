import { Module } from '@nestjs/common';
import { Meters } from './meters.js';
import { MetricsController } from './metrics.controller.js';

@Module({ controllers: [MetricsController], providers: [Meters], exports: [Meters] })
export class MetricsModule {}
