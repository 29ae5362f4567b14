import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type AlertSettings, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { type NanoUsd, nanoUsdFromUsd, usdFromNanoUsd, usdText } from '../policy/money.js';
import { PeriodicTask } from '../platform/periodic-task.js';
import { Accounts } from '../ledger/accounts.js';
import type { CorrectedAccount } from '../ledger/correction.js';
import { TouchedAccounts, type WatchedAccount } from '../ledger/touched-accounts.js';
import { jsonRowset } from '../database/json-rowset.js';
import { Webhook } from './webhook.js';

const INTERVAL_MS = 1_000;
const BATCH_SIZE = 20;
/** The time in which only one replica delivers an alert. */
const DELIVERY_LEASE_MS = 30_000;
const MAX_WAIT_MS = 300_000;
const MAX_ATTEMPTS = 300;

/** The members of an alert's body that say which threshold was crossed. */
interface AlertBody {
  readonly threshold_percent: number | null;
  readonly max_budget: number | null;
  readonly soft_budget: number | null;
}

interface NewAlert {
  readonly id: string;
  readonly body: string;
}

/**
 * Sends a webhook when an account crosses its soft budget or a share of its limit. Each account, window and threshold
 * is sent once, by whichever replica, and retried until the webhook accepts it. After a correction below the
 * threshold, a new crossing is sent again.
 */
@Injectable()
export class Alerts implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Alerts.name);
  private readonly settings: AlertSettings | undefined;
  private readonly task = new PeriodicTask(
    () => this.runOnce(),
    (error) => this.logger.warn(`Alerts have to wait: ${String(error)}`),
  );

  constructor(
    private readonly touchedAccounts: TouchedAccounts,
    private readonly accounts: Accounts,
    private readonly database: Database,
    private readonly webhook: Webhook,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) config: Config,
  ) {
    this.settings = config.general.alerts;
  }

  onApplicationBootstrap(): void {
    if (!this.settings) return;
    this.touchedAccounts.watch();
    this.accounts.onCorrected = (tx, accounts) => this.deleteUncrossed(tx, accounts);
    this.task.startLater(INTERVAL_MS);
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  /** Stores new alerts since the last run and delivers due ones. */
  async runOnce(): Promise<void> {
    await this.store(this.touchedAccounts.drain());
    await this.deliver();
  }

  private async store(watched: readonly WatchedAccount[]): Promise<void> {
    if (!watched.length) return;
    try {
      await this.accounts.refresh(watched.map(({ account }) => account));
      const candidates = watched.flatMap((entry) => this.alertsFor(entry));
      if (!candidates.length) return;
      const stored = await this.database.read((manager) => this.bodiesOf(manager, candidates));
      const newAlerts = candidates.filter(({ id }) => !stored.has(id));
      if (!newAlerts.length) return;
      const now = this.clock().getTime();
      const rows = newAlerts.map((entry) => ({ ...entry, created_at: now }));
      const columns = { id: 'varchar', body: 'text', created_at: 'bigint' } as const;
      await this.database.write((tx) =>
        tx.query(
          `INSERT INTO alerts (id, body, created_at, attempts, due_at)
           SELECT r.id, r.body, r.created_at, 0, r.created_at FROM ${jsonRowset(columns, this.database)} AS r WHERE true
           ON CONFLICT DO NOTHING`,
          [JSON.stringify(rows)],
        ),
      );
    } catch (error) {
      // The next run retries these accounts.
      this.touchedAccounts.record(watched);
      throw error;
    }
  }

  /**
   * Deletes the alerts of thresholds that corrected accounts no longer reach. Must run inside the transaction of the
   * correction.
   */
  private async deleteUncrossed(tx: EntityManager, accounts: readonly CorrectedAccount[]): Promise<void> {
    const spent = new Map<string, NanoUsd>(
      accounts.flatMap(({ id, spentNanoUsd }) =>
        [...this.settings!.thresholds, 'soft'].map(
          (threshold) => [`${id}@${threshold}`, spentNanoUsd] as const,
        ),
      ),
    );
    const bodies = await this.bodiesOf(
      tx,
      Array.from(spent.keys(), (id) => ({ id })),
    );
    const uncrossed = Array.from(bodies).filter(([id, body]) => spent.get(id)! < thresholdOf(body));
    if (!uncrossed.length) return;
    await tx.query(
      `DELETE FROM alerts WHERE id IN (SELECT r.id FROM ${jsonRowset({ id: 'varchar' }, this.database)} AS r)`,
      [JSON.stringify(uncrossed.map(([id]) => ({ id })))],
    );
  }

  /** Returns the bodies of the alerts that exist. */
  private async bodiesOf(
    manager: EntityManager,
    alerts: readonly { readonly id: string }[],
  ): Promise<ReadonlyMap<string, string>> {
    const rows: { id: string; body: string }[] = await manager.query(
      `SELECT a.id, a.body FROM alerts a JOIN ${jsonRowset({ id: 'varchar' }, this.database)} AS r ON a.id = r.id`,
      [JSON.stringify(alerts.map(({ id }) => ({ id })))],
    );
    return new Map(rows.map(({ id, body }) => [id, body]));
  }

  private alertsFor(watched: WatchedAccount): NewAlert[] {
    const { account, limitNanoUsd, softLimitNanoUsd } = watched;
    const shares =
      limitNanoUsd === null || limitNanoUsd === 0n
        ? []
        : this.settings!.thresholds.filter(
            (percent) => account.spentNanoUsd * 100n >= limitNanoUsd * BigInt(percent),
          ).map((percent) =>
            this.newAlert(watched, percent === 100 ? 'budget_crossed' : 'threshold_crossed', percent),
          );
    const isSoft = softLimitNanoUsd !== null && account.spentNanoUsd >= softLimitNanoUsd;
    return isSoft ? [...shares, this.newAlert(watched, 'soft_budget_crossed')] : shares;
  }

  private newAlert(
    { account, scope, limitNanoUsd, softLimitNanoUsd, model, window }: WatchedAccount,
    event: 'budget_crossed' | 'threshold_crossed' | 'soft_budget_crossed',
    percent?: number,
  ): NewAlert {
    const usd = (amount: NanoUsd | null) => (amount === null ? null : usdFromNanoUsd(amount));
    const id = `${account.id}@${percent ?? 'soft'}`;
    const now = this.clock();
    const subject = `${scope.kind}=${scope.id}${model === undefined ? '' : `, model=${model}`}`;
    return {
      id,
      body: JSON.stringify({
        id: `${id}/${now.getTime()}`,
        event,
        event_group: scope.kind,
        event_message: `${subject} has spent ${usdText(account.spentNanoUsd)}${percent === undefined ? ' and crossed its soft budget' : `, ${percent} % of its budget or more`}.`,
        scope,
        threshold_percent: percent ?? null,
        spend: usd(account.spentNanoUsd),
        max_budget: usd(limitNanoUsd),
        soft_budget: usd(softLimitNanoUsd),
        model: model ?? null,
        window: window ?? null,
        created_at: now.toISOString(),
      }),
    };
  }

  private async deliver(): Promise<void> {
    const alerts = await this.claimDue();
    await Promise.all(alerts.map((alert) => this.post(alert)));
  }

  /** Claims due alerts, so that no other replica delivers them meanwhile. */
  private claimDue(): Promise<{ id: string; body: string; attempts: string | number | bigint }[]> {
    const now = this.clock().getTime();
    const lock = this.database.isPostgres ? 'FOR UPDATE SKIP LOCKED' : '';
    return this.database.write(async (tx) => {
      const due: { id: string; body: string; attempts: string | number | bigint }[] = await tx.query(
        `SELECT id, body, attempts FROM alerts WHERE due_at <= ${now} ORDER BY due_at LIMIT ${BATCH_SIZE} ${lock}`,
      );
      if (due.length) await this.reschedule(tx, due, now + DELIVERY_LEASE_MS);
      return due;
    });
  }

  private async post({ id, body, attempts }: Awaited<ReturnType<Alerts['claimDue']>>[number]): Promise<void> {
    const problem = await this.webhook.post(this.settings!, body, this.clock());
    const tries = Number(attempts) + 1;
    if (problem !== undefined && tries >= MAX_ATTEMPTS) {
      this.logger.error(`The webhook refused an alert ${tries} times; it is given up: ${problem}`);
    } else if (problem !== undefined && tries === 1) {
      this.logger.warn(`The webhook did not take an alert; it is tried again: ${problem}`);
    }
    const isOver = problem === undefined || tries >= MAX_ATTEMPTS;
    const dueAt = isOver ? null : this.clock().getTime() + Math.min(INTERVAL_MS * 2 ** tries, MAX_WAIT_MS);
    await this.database.write((tx) => this.reschedule(tx, [{ id }], dueAt, 1));
  }

  private async reschedule(
    tx: EntityManager,
    alerts: readonly { readonly id: string }[],
    dueAt: number | null,
    tries = 0,
  ): Promise<void> {
    await tx.query(
      `UPDATE alerts SET due_at = ${dueAt ?? 'NULL'}, attempts = attempts + ${tries}
       FROM ${jsonRowset({ id: 'varchar' }, this.database)} AS r WHERE alerts.id = r.id`,
      [JSON.stringify(alerts.map(({ id }) => ({ id })))],
    );
  }
}

/** Returns the spend at which the alert is due. */
function thresholdOf(body: string): bigint {
  const { threshold_percent, max_budget, soft_budget } = JSON.parse(body) as AlertBody;
  return threshold_percent === null
    ? nanoUsdFromUsd(soft_budget)!
    : (nanoUsdFromUsd(max_budget)! * BigInt(threshold_percent) + 99n) / 100n;
}
