import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, TypeOrmHealthIndicator } from '@nestjs/terminus';
import { OpenRoute } from '../http/doors.js';

const DATABASE_TIMEOUT_MS = 2_000;

/** For whoever watches the process. Answers a stranger, so it tells nothing else. */
@ApiTags('health')
@OpenRoute()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly database: TypeOrmHealthIndicator,
  ) {}

  @Get(['liveliness', 'liveness'])
  @ApiOperation({ summary: 'The event loop turns.' })
  alive(): { status: string } {
    return { status: 'alive' };
  }

  /** Migrations ran before the first connection was accepted, so an answering database is a migrated one. */
  @Get('readiness')
  @HealthCheck({ swaggerDocumentation: false })
  @ApiOperation({ summary: 'The database answers and its migrations are applied.' })
  async ready(): Promise<{ status: string; db: string }> {
    await this.health.check([() => this.database.pingCheck('database', { timeout: DATABASE_TIMEOUT_MS })]);
    return { status: 'healthy', db: 'connected' };
  }
}
