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

const ROUND_MS = 1_000;
const MOST_AT_ONCE = 20;
/** Whoever takes an alert to deliver it has it alone for so long. */
const TAKEN_MS = 30_000;
const MAX_WAIT_MS = 300_000;
const GIVE_UP_AFTER = 300;

/** What the body of an alert says of it. */
interface Crossed {
  readonly threshold_percent: number | null;
  readonly max_budget: number | null;
  readonly soft_budget: number | null;
}

interface Crossing {
  readonly id: string;
  readonly body: string;
}

/**
 * Tells a webhook that an account crossed its soft budget or a share of its limit: once per account, window and
 * threshold, however many processes see it, again and again until it is taken. Whoever corrects what was spent to less than
 * that will hear of it when it is crossed again.
 */
@Injectable()
export class Alerts implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Alerts.name);
  private readonly settings: AlertSettings | undefined;
  private readonly task = new PeriodicTask(
    () => this.round(),
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
    this.accounts.onCorrected = (tx, accounts) => this.forget(tx, accounts);
    this.task.startLater(ROUND_MS);
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  /** Writes down what was crossed since the last round, and delivers what is due. */
  async round(): Promise<void> {
    await this.write(this.touchedAccounts.drain());
    await this.deliver();
  }

  private async write(watched: readonly WatchedAccount[]): Promise<void> {
    if (!watched.length) return;
    try {
      await this.accounts.refresh(watched.map(({ account }) => account));
      const reached = watched.flatMap((one) => this.crossings(one));
      if (!reached.length) return;
      const known = await this.database.read((manager) => this.written(manager, reached));
      const crossed = reached.filter(({ id }) => !known.has(id));
      if (!crossed.length) return;
      const now = this.clock().getTime();
      const rows = crossed.map((one) => ({ ...one, created_at: now }));
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
      // Looked at again in the next round.
      this.touchedAccounts.record(watched);
      throw error;
    }
  }

  /** Inside the transaction of a correction: what these accounts have not reached any more was never told. */
  private async forget(tx: EntityManager, accounts: readonly CorrectedAccount[]): Promise<void> {
    const spent = new Map<string, NanoUsd>(
      accounts.flatMap(({ id, spentNanoUsd }) =>
        [...this.settings!.thresholds, 'soft'].map(
          (threshold) => [`${id}@${threshold}`, spentNanoUsd] as const,
        ),
      ),
    );
    const written = await this.written(
      tx,
      Array.from(spent.keys(), (id) => ({ id })),
    );
    const undone = Array.from(written).filter(([id, body]) => spent.get(id)! < crossedAt(body));
    if (!undone.length) return;
    await tx.query(
      `DELETE FROM alerts WHERE id IN (SELECT r.id FROM ${jsonRowset({ id: 'varchar' }, this.database)} AS r)`,
      [JSON.stringify(undone.map(([id]) => ({ id })))],
    );
  }

  /** The bodies of those of these alerts that there are. */
  private async written(
    manager: EntityManager,
    alerts: readonly { readonly id: string }[],
  ): Promise<ReadonlyMap<string, string>> {
    const rows: { id: string; body: string }[] = await manager.query(
      `SELECT a.id, a.body FROM alerts a JOIN ${jsonRowset({ id: 'varchar' }, this.database)} AS r ON a.id = r.id`,
      [JSON.stringify(alerts.map(({ id }) => ({ id })))],
    );
    return new Map(rows.map(({ id, body }) => [id, body]));
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
    const now = this.clock();
    const whose = `${scope.kind}=${scope.id}${model === undefined ? '' : `, model=${model}`}`;
    return {
      id,
      body: JSON.stringify({
        id: `${id}/${now.getTime()}`,
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
        created_at: now.toISOString(),
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

/** What must be spent for this to be told. */
function crossedAt(body: string): bigint {
  const { threshold_percent, max_budget, soft_budget } = JSON.parse(body) as Crossed;
  return threshold_percent === null
    ? nanoUsdFromUsd(soft_budget)!
    : (nanoUsdFromUsd(max_budget)! * BigInt(threshold_percent) + 99n) / 100n;
}
