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

/** A caller has made as many rows as it may make in a day. */
export class DailyNamesUsedUpError extends Error {
  constructor() {
    super('All rows that this caller may make today are made.');
  }
}

/** Counts the rows of end users and tags that each key's calls make on one UTC day. */
@Injectable()
export class CalledNameQuota {
  /** The day on which a caller had made all the rows it may make. */
  private readonly usedUpOn = new BoundedMap<string, string>(MAX_REMEMBERED);

  constructor(
    @Inject(CONFIG)
    private readonly config: { readonly general: Pick<Config['general'], 'maxNewNamesPerDay'> },
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly counts: CalledNameCountRepository,
  ) {}

  /** Is this caller known to have made all its rows of today? */
  isUsedUp(caller: CallerSnapshot): boolean {
    return this.usedUpOn.get(makerOf(caller)) === this.today();
  }

  /** Counts a row that a caller makes, inside its transaction. Rejects when the caller may make no more today. */
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

/** Returns whom rows are counted for: a key by its internal id, which a rotation keeps, else the caller itself. */
const makerOf = ({ parties, callerId }: CallerSnapshot) =>
  parties.find(({ kind }) => kind === 'key')?.scopeId ?? callerId;
