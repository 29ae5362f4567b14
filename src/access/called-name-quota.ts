import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, LessThan } from 'typeorm';
import { BoundedMap } from '../cache/bounded-map.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { rowLock } from '../database/row-lock.js';
import { CalledNameCountRepository } from '../parties/repositories/called-name-count.repository.js';
import type { CallerSnapshot } from './callers/caller.js';

const MAX_REMEMBERED = 10_000;
const DAY_CHARS = 10;

/** Error of a caller that has created as many rows as it may in one day. */
export class DailyNamesUsedUpError extends Error {
  constructor() {
    super('All rows that this caller may make today are made.');
  }
}

/** Counts the rows of end users and tags that each key's calls create on one UTC day. */
@Injectable()
export class CalledNameQuota {
  /** The last day on which each caller used up its quota. */
  private readonly usedUpOn = new BoundedMap<string, string>(MAX_REMEMBERED);

  constructor(
    @Inject(CONFIG)
    private readonly config: { readonly general: Pick<Config['general'], 'maxNewNamesPerDay'> },
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly counts: CalledNameCountRepository,
  ) {}

  /** Tells whether this caller is known to have used up today's quota. */
  isUsedUp(caller: CallerSnapshot): boolean {
    return this.usedUpOn.get(makerOf(caller)) === this.today();
  }

  /**
   * Counts a row that a caller creates. Must run inside the transaction that creates it. Throws `DailyNamesUsedUpError` if
   * the quota is used up.
   */
  async take(tx: EntityManager, snapshot: CallerSnapshot): Promise<void> {
    const caller = makerOf(snapshot);
    const day = this.today();
    const counts = this.counts.in(tx);
    const first = { caller, day, rowsMade: 0 };
    await counts.createQueryBuilder().insert().values(first).orIgnore().updateEntity(false).execute();
    const { rowsMade } = await counts.findOneOrFail({ where: { caller, day }, ...rowLock(tx) });
    if (rowsMade >= this.config.general.maxNewNamesPerDay) {
      this.usedUpOn.set(caller, day);
      throw new DailyNamesUsedUpError();
    }
    await counts.update({ caller, day }, { rowsMade: rowsMade + 1 });
    if (!rowsMade) await counts.delete({ caller, day: LessThan(day) });
  }

  private today(): string {
    return this.clock().toISOString().slice(0, DAY_CHARS);
  }
}

/** Returns the id that rows are counted under. A key counts under its internal id, which survives a rotation. */
const makerOf = ({ parties, callerId }: CallerSnapshot) =>
  parties.find(({ kind }) => kind === 'key')?.scopeId ?? callerId;
