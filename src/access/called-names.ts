import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, LessThan } from 'typeorm';
import { BoundedMap } from '../cache/bounded-map.js';
import { CLOCK, type Clock } from '../clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { lockFor } from '../database/lock-for.js';
import { EndUsersService } from '../end-users/end-users.service.js';
import { CalledNameCount } from '../parties/called-name-count.entity.js';
import { TagsService } from '../tags/tags.service.js';
import type { Access } from './access.js';
import type { CallerSnapshot } from './caller.js';
import { Callers } from './callers.js';

const MAX_REMEMBERED = 10_000;
const DAY_CHARS = 10;

/** Makes one missing row, if its maker is allowed to inside the transaction. */
type Making = (requireAllowed: (tx: EntityManager) => Promise<void>) => Promise<unknown>;

/** A caller has made as many rows as it may make in a day. */
class DailyNamesUsedUpError extends Error {
  constructor(readonly maker: string) {
    super('All rows that this caller may make today are made.');
  }
}

/**
 * Makes rows for the end users and tags that a call names and that have none, so that they owe from their first call on.
 * Each key makes a bounded number of them a day. A call with further names is billed without them; the ledger keeps the
 * names, and a row made later begins with what was spent.
 */
@Injectable()
export class CalledNames {
  /** The day on which a caller had made all the rows it may make. */
  private readonly doneOn = new BoundedMap<string, string>(MAX_REMEMBERED);

  constructor(
    @Inject(CONFIG)
    private readonly config: { readonly general: Pick<Config['general'], 'maxNewNamesPerDay'> },
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly callers: Callers,
    private readonly endUsers: EndUsersService,
    private readonly tags: TagsService,
  ) {}

  /**
   * Makes the missing rows of a call that was let in. Resolves to the access decided anew with them; undefined when no row
   * is missing or none may be made. Rejects with the refusal of the new decision.
   */
  record(access: Access): Promise<Access> | undefined {
    const { llm, caller, tags } = access;
    if (!llm || !caller || llm.size.isFree) return undefined;
    const { endUserId } = llm;
    if (endUserId === undefined && !tags.length) return undefined;
    const missing: Making[] = tags
      .filter((name) => !this.callers.tagHasRow(name))
      .map((name) => (requireAllowed) => this.tags.getOrCreate(name, requireAllowed));
    if (endUserId !== undefined && !this.callers.endUserHasRow(endUserId))
      missing.unshift((requireAllowed) => this.endUsers.getOrCreate(endUserId, requireAllowed));
    const maker = makerOf(caller);
    return missing.length && !this.isDone(maker) ? this.makeAll(access, maker, missing) : undefined;
  }

  private async makeAll(access: Access, maker: string, missing: readonly Making[]): Promise<Access> {
    let isChanged = false;
    for (const make of missing) isChanged = (await this.make(maker, make)) || isChanged;
    return isChanged ? (await access.refreshed(access.facts.request!.model!.requested)).access : access;
  }

  /** Returns whether there is a row now. Callers that ask for one at once share the first one's try, and its end. */
  private async make(maker: string, make: Making): Promise<boolean> {
    while (!this.isDone(maker)) {
      try {
        await make((tx) => this.count(tx, maker));
        return true;
      } catch (error) {
        if (!(error instanceof DailyNamesUsedUpError)) throw error;
        this.doneOn.set(error.maker, this.today());
      }
    }
    return false;
  }

  /** Counts a row that a caller makes, inside its transaction. Rejects when the caller may make no more today. */
  private async count(tx: EntityManager, caller: string): Promise<void> {
    const day = this.today();
    const counts = tx.getRepository(CalledNameCount);
    const first = { caller, day, rowsMade: 0 };
    await counts.createQueryBuilder().insert().values(first).orIgnore().updateEntity(false).execute();
    const { rowsMade } = await counts.findOneOrFail({ where: { caller, day }, ...lockFor(tx) });
    if (rowsMade >= this.config.general.maxNewNamesPerDay) throw new DailyNamesUsedUpError(caller);
    await counts.update({ caller, day }, { rowsMade: rowsMade + 1 });
    if (!rowsMade) await counts.delete({ caller, day: LessThan(day) });
  }

  private isDone(maker: string): boolean {
    return this.doneOn.get(maker) === this.today();
  }

  private today(): string {
    return this.clock().toISOString().slice(0, DAY_CHARS);
  }
}

/** Returns whom rows are counted for: a key by its internal id, which a rotation keeps, else the caller itself. */
const makerOf = ({ parties, callerId }: CallerSnapshot) =>
  parties.find(({ kind }) => kind === 'key')?.scopeId ?? callerId;
