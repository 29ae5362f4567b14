import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { CLOCK, type Clock } from '../clock.js';
import { BoundedMap } from '../cache/bounded-map.js';
import { CONFIG, type AlertSettings, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { type NanoUsd, usdFromNanoUsd, usdText } from '../policy/money.js';
import { Accounts } from '../spend/accounts.js';
import { Movements, type WatchedAccount } from '../spend/movements.js';
import { rowsOf } from '../spend/rows-of.js';
import { Webhook } from './webhook.js';

const ROUND_MS = 1_000;
const MAX_REMEMBERED = 100_000;
const MOST_AT_ONCE = 20;
/** Whoever takes an alert to deliver it has it alone for so long. */
const TAKEN_MS = 30_000;
const MAX_WAIT_MS = 300_000;
const GIVE_UP_AFTER = 300;

interface Crossing {
  readonly id: string;
  readonly body: string;
}

/**
 * Tells a webhook that an account crossed its soft budget or a share of its limit: once per account, window and
 * threshold, however many processes see it, again and again until it is taken.
 */
@Injectable()
export class Alerts implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Alerts.name);
  private readonly settings: AlertSettings | undefined;
  /** Written already by this process. */
  private readonly told = new BoundedMap<string, true>(MAX_REMEMBERED);
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly movements: Movements,
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
    this.movements.watch();
    this.schedule();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.underWay;
  }

  /** Writes down what was crossed since the last round, and delivers what is due. */
  async round(): Promise<void> {
    await this.write(this.movements.take());
    await this.deliver();
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      this.underWay = this.round()
        .catch((error: unknown) => this.logger.warn(`Alerts have to wait: ${String(error)}`))
        .then(() => {
          if (!this.stopped) this.schedule();
        });
    }, ROUND_MS);
  }

  private async write(watched: readonly WatchedAccount[]): Promise<void> {
    if (!watched.length) return;
    try {
      await this.accounts.refresh(watched.map(({ account }) => account));
      const crossed = watched.flatMap((one) => this.crossings(one)).filter(({ id }) => !this.told.has(id));
      if (!crossed.length) return;
      const now = this.clock().getTime();
      const rows = crossed.map((one) => ({ ...one, created_at: now }));
      const columns = { id: 'varchar', body: 'text', created_at: 'bigint' } as const;
      await this.database.write((tx) =>
        tx.query(
          `INSERT INTO alerts (id, body, created_at, attempts, due_at)
           SELECT r.id, r.body, r.created_at, 0, r.created_at FROM ${rowsOf(columns, this.database)} AS r WHERE true
           ON CONFLICT DO NOTHING`,
          [JSON.stringify(rows)],
        ),
      );
      for (const { id } of crossed) this.told.set(id, true);
    } catch (error) {
      // Looked at again in the next round.
      this.movements.note(watched);
      throw error;
    }
  }

  private crossings(watched: WatchedAccount): Crossing[] {
    const { account, limitNanoUsd, softLimitNanoUsd } = watched;
    const shares =
      limitNanoUsd === null || limitNanoUsd === 0n
        ? []
        : this.settings!.thresholds.filter(
            (percent) => account.spentNanoUsd * 100n >= limitNanoUsd * BigInt(percent),
          ).map((percent) =>
            this.crossing(watched, percent === 100 ? 'budget_crossed' : 'threshold_crossed', percent),
          );
    const isSoft = softLimitNanoUsd !== null && account.spentNanoUsd >= softLimitNanoUsd;
    return isSoft ? [...shares, this.crossing(watched, 'soft_budget_crossed')] : shares;
  }

  private crossing(
    { account, scope, limitNanoUsd, softLimitNanoUsd, model, window }: WatchedAccount,
    event: 'budget_crossed' | 'threshold_crossed' | 'soft_budget_crossed',
    percent?: number,
  ): Crossing {
    const usd = (amount: NanoUsd | null) => (amount === null ? null : usdFromNanoUsd(amount));
    const id = `${account.id}@${percent ?? 'soft'}`;
    const whose = `${scope.kind}=${scope.id}${model === undefined ? '' : `, model=${model}`}`;
    return {
      id,
      body: JSON.stringify({
        id,
        event,
        event_group: scope.kind,
        event_message: `${whose} has spent ${usdText(account.spentNanoUsd)}${percent === undefined ? ' and crossed its soft budget' : `, ${percent} % of its budget or more`}.`,
        scope,
        threshold_percent: percent ?? null,
        spend: usd(account.spentNanoUsd),
        max_budget: usd(limitNanoUsd),
        soft_budget: usd(softLimitNanoUsd),
        model: model ?? null,
        window: window ?? null,
        created_at: this.clock().toISOString(),
      }),
    };
  }

  private async deliver(): Promise<void> {
    const taken = await this.takeDue();
    await Promise.all(taken.map((alert) => this.post(alert)));
  }

  /** Alerts whose time has come; nobody else gets them meanwhile. */
  private takeDue(): Promise<{ id: string; body: string; attempts: string | number | bigint }[]> {
    const now = this.clock().getTime();
    const lock = this.database.isPostgres ? 'FOR UPDATE SKIP LOCKED' : '';
    return this.database.write(async (tx) => {
      const due: { id: string; body: string; attempts: string | number | bigint }[] = await tx.query(
        `SELECT id, body, attempts FROM alerts WHERE due_at <= ${now} ORDER BY due_at LIMIT ${MOST_AT_ONCE} ${lock}`,
      );
      if (due.length) await this.plan(tx, due, now + TAKEN_MS);
      return due;
    });
  }

  private async post({ id, body, attempts }: Awaited<ReturnType<Alerts['takeDue']>>[number]): Promise<void> {
    const problem = await this.webhook.post(this.settings!, body, this.clock());
    const tries = Number(attempts) + 1;
    if (problem !== undefined && tries >= GIVE_UP_AFTER) {
      this.logger.error(`The webhook refused an alert ${tries} times; it is given up: ${problem}`);
    } else if (problem !== undefined && tries === 1) {
      this.logger.warn(`The webhook did not take an alert; it is tried again: ${problem}`);
    }
    const isOver = problem === undefined || tries >= GIVE_UP_AFTER;
    const dueAt = isOver ? null : this.clock().getTime() + Math.min(ROUND_MS * 2 ** tries, MAX_WAIT_MS);
    await this.database.write((tx) => this.plan(tx, [{ id }], dueAt, 1));
  }

  private async plan(
    tx: { query(sql: string, parameters: unknown[]): Promise<unknown> },
    alerts: readonly { readonly id: string }[],
    dueAt: number | null,
    tries = 0,
  ): Promise<void> {
    await tx.query(
      `UPDATE alerts SET due_at = ${dueAt ?? 'NULL'}, attempts = attempts + ${tries}
       FROM ${rowsOf({ id: 'varchar' }, this.database)} AS r WHERE alerts.id = r.id`,
      [JSON.stringify(alerts.map(({ id }) => ({ id })))],
    );
  }
}
