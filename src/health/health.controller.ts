import { Controller, Get, Logger, ServiceUnavailableException } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  HealthCheck,
  HealthCheckService,
  type HealthIndicatorResult,
  HealthIndicatorService,
  TypeOrmHealthIndicator,
} from '@nestjs/terminus';
import { DatabaseLock } from '../database/database-lock.js';
import { WriteHealth } from '../database/write-health.js';
import { PublicRoute } from '../http/route-access.js';
import { Redis } from '../redis/redis.js';
import { Drain } from './drain.js';
import { Alive, Ready } from './health.dto.js';

const DATABASE_TIMEOUT_MS = 2_000;

/**
 * Serves probes of load balancers and orchestrators. Responds to unauthenticated clients, so it reveals nothing else.
 */
@ApiTags('health')
@PublicRoute()
@Controller('health')
export class HealthController {
  private readonly logger = new Logger(HealthController.name);

  constructor(
    private readonly health: HealthCheckService,
    private readonly database: TypeOrmHealthIndicator,
    private readonly indicators: HealthIndicatorService,
    private readonly lock: DatabaseLock,
    private readonly redis: Redis,
    private readonly writeHealth: WriteHealth,
    private readonly drain: Drain,
  ) {}

  @Get(['liveliness', 'liveness'])
  @ApiOperation({ summary: 'The event loop turns.' })
  alive(): Alive {
    return { status: 'alive' };
  }

  /** Migrations run before the first connection is accepted, so a database that responds is migrated. */
  @Get('readiness')
  @HealthCheck({ swaggerDocumentation: false })
  @ApiOperation({
    summary:
      'The database answers, is migrated and not used by somebody else, the last hold and heartbeat were written, and the process is not stopping; Redis answers, if there is one.',
  })
  async ready(): Promise<Ready> {
    await this.health
      .check([
        () => this.isNotStopping(),
        () => this.database.pingCheck('database', { timeout: DATABASE_TIMEOUT_MS }),
        () => this.lockIsOurs(),
        () => this.canWrite(),
        () => this.redisAnswers(),
      ])
      .catch(namingWhatIsDown);
    return { status: 'healthy', db: 'connected' };
  }

  private isNotStopping(): HealthIndicatorResult {
    const indicator = this.indicators.check('stopping');
    return this.drain.isUnderWay ? indicator.down() : indicator.up();
  }

  private lockIsOurs(): HealthIndicatorResult {
    const indicator = this.indicators.check('lock');
    return this.lock.isOurs ? indicator.up() : indicator.down();
  }

  /** Reports the last writes. It writes nothing itself. */
  private canWrite(): HealthIndicatorResult {
    const indicator = this.indicators.check('writes');
    return this.writeHealth.isFailing ? indicator.down() : indicator.up();
  }

  private async redisAnswers(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('redis');
    return this.redis.ping().then(
      () => indicator.up(),
      (error: unknown) => {
        this.logger.warn(`Redis does not answer: ${this.redis.failure ?? String(error)}`);
        return indicator.down();
      },
    );
  }
}

/** Throws the same refusal with a message that names what is down. Reasons are in the log alone. */
function namingWhatIsDown(error: unknown): never {
  if (!(error instanceof ServiceUnavailableException)) throw error;
  const { details = {} } = error.getResponse() as { details?: HealthIndicatorResult };
  const down = Object.keys(details).filter((name) => details[name]!.status !== 'up');
  throw new ServiceUnavailableException({ message: `Not ready: ${down.join(', ')}`, details });
}
