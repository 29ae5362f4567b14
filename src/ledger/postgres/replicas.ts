import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { SteadyClock } from '../../platform/clock.js';
import { CONFIG, type Config } from '../../config/config.js';
import { Metrics } from '../../metrics/metrics.js';
import { Installation } from '../../installation/installation.js';
import { WriteHealth } from '../../database/write-health.js';
import { NOW_MS } from '../../database/now-ms.js';
import { PeriodicTask } from '../../platform/periodic-task.js';
import { LedgerConnection } from './ledger-connection.js';

const INTERVAL_MS = 1_000;
const MAX_BATCH = 500;

/**
 * The heartbeat of this replica. Every second it stores that it lives, reads the database's time, folds deltas into
 * balances and closes the calls of dead replicas.
 */
@Injectable()
export class Replicas implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly id: string;
  private readonly logger = new Logger(Replicas.name);
  private readonly task = new PeriodicTask(
    () => this.runOnce(),
    (error) => {
      this.writeHealth.failed('heartbeat');
      this.logger.warn(`The database does not answer: ${String(error)}`);
    },
  );

  constructor(
    private readonly connection: LedgerConnection,
    private readonly clock: SteadyClock,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
    installation: Installation,
    private readonly writeHealth: WriteHealth,
  ) {
    this.id = installation.processId;
  }

  /**
   * Bills calls of dead replicas. Without Redis the process is the only one, so all others are dead. With Redis it
   * waits until they time out.
   */
  async onApplicationBootstrap(): Promise<void> {
    await this.heartbeat();
    await this.abandon(this.config.redisUrl ? this.config.general.replicaTimeoutMs : 0);
    this.task.startLater(INTERVAL_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.task.stop();
    await this.connection
      .call('leave', 'DELETE FROM replicas WHERE id = $1', [this.id])
      .catch(() => undefined);
    await this.connection.close();
  }

  private async runOnce(): Promise<void> {
    await this.heartbeat();
    await this.connection.call('fold', 'SELECT tollgate_fold($1)', [10_000]);
    await this.abandon(this.config.general.replicaTimeoutMs);
  }

  /** Stores that the replica lives and reads the database's time. */
  private async heartbeat(): Promise<void> {
    const askedAt = Date.now();
    const [{ now }] = (await this.connection.call<{ now: string }>(
      'beat',
      `INSERT INTO replicas (id, started_at, seen_at) VALUES ($1, ${NOW_MS}, ${NOW_MS})
       ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at RETURNING seen_at AS now`,
      [this.id],
    )) as [{ now: string }];
    this.writeHealth.succeeded('heartbeat');
    this.clock.follow(Number(now), askedAt, Date.now());
  }

  /** Deletes replicas that were not seen for `missedForMs` and bills their calls. */
  private async abandon(missedForMs: number): Promise<void> {
    const { abandonedHolds } = this.config.general;
    await this.connection.call('forget', `DELETE FROM replicas WHERE seen_at < ${NOW_MS} - $1 AND id <> $2`, [
      missedForMs,
      this.id,
    ]);
    let count = 0;
    for (let more = MAX_BATCH; more === MAX_BATCH; count += more) {
      [{ count: more }] = (await this.connection.call<{ count: number }>(
        'abandon',
        'SELECT tollgate_abandon($1, $2) AS count',
        [abandonedHolds, MAX_BATCH],
      )) as [{ count: number }];
    }
    if (!count) return;
    this.metrics.entries.inc({ kind: 'abandoned' }, count);
    this.logger.warn(`${count} calls of a process that died were abandoned; billed their ${abandonedHolds}.`);
  }
}
