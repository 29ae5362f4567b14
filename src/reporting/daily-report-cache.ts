import { DailyReportRepository } from './daily-report.repository.js';
import { Injectable } from '@nestjs/common';
import { And, In, LessThan, MoreThanOrEqual } from 'typeorm';
import { DAY_MS } from '../platform/clock.js';
import { Database } from '../database/database.js';
import { type Principal, seesEverything } from '../policy/principal.js';
import { nanoUsd } from '../policy/money.js';
import { Activity, type Asked } from './activity.js';
import { breakdownOf, type Entity, type Part, PARTS } from './breakdown.js';
import type { Breakdown } from './daily-activity.dto.js';
import type { Days } from './days.js';
import { DailyReport } from './daily-report.entity.js';
import { type Sums, totalOf } from './sums.js';

/** What calls of the day that begins then came to. */
export interface DaySums {
  readonly fromMs: number;
  readonly sums: Sums;
}

/** Whoever sees every call. */
const ANYBODY: Principal = {
  id: '',
  role: 'proxy_admin',
  userId: null,
  teams: new Map(),
  organizations: new Map(),
};

/**
 * Keeps what is told of everybody's calls on each day that is summed up to its end: nothing can change it any more. Earliest
 * first, all of a day in one transaction, so up to the latest that is kept none is missing.
 */
@Injectable()
export class DailyReportCache {
  constructor(
    private readonly database: Database,
    private readonly activity: Activity,
    private readonly dailyReports: DailyReportRepository,
  ) {}

  /** Those of these days that had such calls, and are kept: earliest first. From `untilMs` on none is. */
  async among({ fromMs, toMs }: Days, entity: Entity): Promise<{ days: DaySums[]; untilMs: number }> {
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

  /** Keeps one more day that is summed up; whether there was one. */
  async storeOne(): Promise<boolean> {
    const day = await this.next();
    if (day !== undefined) await this.keep(day);
    return day !== undefined;
  }

  private async next(): Promise<number | undefined> {
    const [{ day }] = await this.database.read<[{ day: string | null }]>((manager) =>
      manager.query(
        `SELECT CAST(min(day) AS text) AS day FROM activity_days
         WHERE tag = '' AND day > coalesce((SELECT max(day) FROM kept_days), -1)
           AND day <= (SELECT until FROM activity_progress) - ${DAY_MS}`,
      ),
    );
    return day === null ? undefined : Number(day);
  }

  private async keep(fromMs: number): Promise<void> {
    const asked: Asked = { days: { fromMs, toMs: fromMs + DAY_MS }, caller: ANYBODY };
    const calls = await this.activity.by(asked, [...PARTS, 'user', 'organization', 'endUser'], 'all');
    const tagged = await this.activity.by({ ...asked, tags: {} }, [...PARTS, 'tag'], 'all');
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
      const theirs = calls.filter((call) => call[entity] !== '');
      add(entity, theirs, (call) => call[entity]);
    }
    add('tag', tagged, ({ tag }) => tag);
    await this.database.write((tx) => this.dailyReports.insertOrIgnore(tx, rows), 'pruning');
  }
}

/** Is it about all calls that are about an entity at all? */
export const isUnfiltered = ({ caller, api_key, user_id, team_id, end_user, of, model, tags }: Asked) =>
  seesEverything(caller) &&
  [api_key, user_id, team_id, end_user, of?.only, of?.except, of?.among, model, tags?.only].every(
    (narrower) => narrower === undefined,
  );
