import { DailyReportRepository } from './daily-report.repository.js';
import { Injectable } from '@nestjs/common';
import { And, In, LessThan, MoreThanOrEqual } from 'typeorm';
import { DAY_MS } from '../platform/clock.js';
import { Database } from '../database/database.js';
import { type Principal, seesEverything } from '../policy/principal.js';
import { nanoUsd } from '../policy/money.js';
import { Activity, type ActivityQuery } from './activity.js';
import { breakdownOf, type Entity, type Part, PARTS } from './breakdown.js';
import type { Breakdown } from './daily-activity.dto.js';
import type { Days } from './days.js';
import { DailyReport } from './daily-report.entity.js';
import { type Sums, totalOf } from './sums.js';

/** The sums of the day that begins at `fromMs`. */
export interface DaySums {
  readonly fromMs: number;
  readonly sums: Sums;
}

/** A principal that sees every call. */
const ANY_ADMIN: Principal = {
  id: '',
  role: 'proxy_admin',
  userId: null,
  teams: new Map(),
  organizations: new Map(),
};

/**
 * Stores the report of each day that is summed up to its end, because it cannot change any more. Days are stored in
 * order, each in one transaction, so none is missing before the latest.
 */
@Injectable()
export class DailyReportCache {
  constructor(
    private readonly database: Database,
    private readonly activity: Activity,
    private readonly dailyReports: DailyReportRepository,
  ) {}

  /** Returns the stored days in the range that have calls, earliest first. No day from `untilMs` on is stored. */
  async cachedDays({ fromMs, toMs }: Days, entity: Entity): Promise<{ days: DaySums[]; untilMs: number }> {
    const rows = await this.database.read((manager) =>
      this.dailyReports.in(manager).find({
        select: { entity: true, day: true, sums: true },
        where: {
          entity: In([entity, 'user']),
          day: And(MoreThanOrEqual(new Date(fromMs)), LessThan(new Date(toMs))),
        },
        order: { day: 'ASC' },
      }),
    );
    const days = rows.filter((row) => row.entity === entity);
    const latest = rows.at(-1)?.day.getTime();
    return {
      days: days.map(({ day, sums }) => ({
        fromMs: day.getTime(),
        sums: { ...sums, costNanoUsd: nanoUsd(BigInt(sums.costNanoUsd)) },
      })),
      untilMs: latest === undefined ? fromMs : latest + DAY_MS,
    };
  }

  async breakdownOf(entity: Entity, fromMs: number): Promise<Breakdown> {
    const { breakdown } = await this.database.read((manager) =>
      this.dailyReports.in(manager).findOneByOrFail({ entity, day: new Date(fromMs) }),
    );
    return breakdown;
  }

  /** Stores the next day that is summed up. Returns false if there was none. */
  async storeNextDay(): Promise<boolean> {
    const day = await this.nextDay();
    if (day !== undefined) await this.store(day);
    return day !== undefined;
  }

  private async nextDay(): Promise<number | undefined> {
    const [{ day }] = await this.database.read<[{ day: string | null }]>((manager) =>
      manager.query(
        `SELECT CAST(min(day) AS text) AS day FROM activity_days
         WHERE tag = '' AND day > coalesce((SELECT max(day) FROM kept_days), -1)
           AND day <= (SELECT until FROM activity_progress) - ${DAY_MS}`,
      ),
    );
    return day === null ? undefined : Number(day);
  }

  private async store(fromMs: number): Promise<void> {
    const query: ActivityQuery = { days: { fromMs, toMs: fromMs + DAY_MS }, caller: ANY_ADMIN };
    const calls = await this.activity.by(query, [...PARTS, 'user', 'organization', 'endUser'], 'all');
    const tagged = await this.activity.by({ ...query, tags: {} }, [...PARTS, 'tag'], 'all');
    const rows: DailyReport[] = [];
    const add = <P extends Part>(entity: Entity, parts: readonly P[], entityOf: (part: P) => string) => {
      if (!parts.length) return;
      const sums = totalOf(parts);
      rows.push({
        entity,
        day: new Date(fromMs),
        sums: { ...sums, costNanoUsd: sums.costNanoUsd.toString() },
        breakdown: breakdownOf(parts, entityOf),
      });
    };
    add('user', calls, ({ user }) => user);
    for (const entity of ['team', 'organization', 'endUser'] as const) {
      const callsOfEntity = calls.filter((call) => call[entity] !== '');
      add(entity, callsOfEntity, (call) => call[entity]);
    }
    add('tag', tagged, ({ tag }) => tag);
    await this.database.write((tx) => this.dailyReports.insertOrIgnore(tx, rows), 'pruning');
  }
}

/** Returns true if the query selects all calls that have the entity. */
export const isUnfiltered = ({
  caller,
  api_key,
  user_id,
  team_id,
  end_user,
  owner,
  model,
  tags,
}: ActivityQuery) =>
  seesEverything(caller) &&
  [api_key, user_id, team_id, end_user, owner?.only, owner?.except, owner?.among, model, tags?.only].every(
    (narrower) => narrower === undefined,
  );
