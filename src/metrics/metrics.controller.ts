import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { MetricsRoute } from '../http/doors.js';
import { Meters } from './meters.js';

@ApiTags('health')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly meters: Meters) {}

  @Get()
  @MetricsRoute()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Figures of this process, in the text format of Prometheus.' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string' } })
  read(): Promise<string> {
    return this.meters.registry.metrics();
  }
}
