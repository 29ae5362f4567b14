import {
  BadRequestException,
  ConflictException,
  Inject,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import {
  type EntityManager,
  type FindOptionsWhere,
  IsNull,
  QueryFailedError,
  type Repository,
} from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { CacheKey } from '../../cache/change-epochs.js';
import { RowCache } from '../../cache/row-cache.js';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { AggregateRepository } from '../../database/aggregate-repository.js';
import { rowLock } from '../../database/row-lock.js';
import { isMadeByCall, madeBy } from '../../database/authored-row.js';
import { Database } from '../../database/database.js';
import { isName, MAX_NAME_BYTES } from '../../policy/name.js';
import { missingText } from '../../policy/checks/parties-exist.js';
import type { PartyKind } from '../../policy/facts.js';
import type { NanoUsd } from '../../policy/money.js';
import { PartySpend, type Spender } from '../party-spend.js';
import type { PartyRow } from '../party-row.js';
import { toNanoUsd } from '../usd.js';

/** A column in which no two live rows have the same value: an index of the database sees to it. */
export interface UniqueColumn<T> {
  readonly property: keyof T & string;
  readonly index: string;
  /** The refusal of a row whose value another live row has. */
  readonly taken: (row: T) => ConflictException;
}

/** How one kind of party is stored. */
export interface PartyMapping<T extends PartyRow> {
  readonly entity: new () => T;
  readonly kind: PartyKind;
  /** What names a row in public: its columns, and what a client calls it. */
  readonly where: (id: string) => FindOptionsWhere<T>;
  readonly idOf: (row: T) => string;
  readonly cacheKey: (id: string) => CacheKey;
  /** `Customer`, for "Customer already exists". */
  readonly title: string;
  /** The wire name of the id, told as `param`. */
  readonly param: string;
  /** Beside the id. */
  readonly unique?: readonly UniqueColumn<T>[];
}

/** What every repository of parties needs beside its rows. */
@Injectable()
export class PartyRepositoryContext {
  /** The transactions under way that make a row which calls ask for, by the row's cache key. */
  readonly making = new Map<CacheKey, Promise<void>>();

  constructor(
    readonly database: Database,
    readonly cache: RowCache,
    @Inject(CLOCK) readonly clock: Clock,
    readonly spend: PartySpend,
  ) {}
}

/**
 * The rows of one kind of party, read through the cache and written so that every reader sees it at once.
 * Deleting keeps the row; creating the same id again revives it, so its accounts go on.
 */
export abstract class PartyRepository<T extends PartyRow> extends AggregateRepository<T> {
  constructor(
    private readonly mapping: PartyMapping<T>,
    rows: Repository<T>,
    private readonly context: PartyRepositoryContext,
  ) {
    super(rows);
  }

  /** The live row, cached and frozen; null when there is none. Throws only when the database does not answer. */
  get(
    id: string,
    find = (manager: EntityManager): Promise<T | null> => this.find(manager, id),
  ): Promise<Readonly<T> | null> {
    return this.context.cache.get(this.mapping.cacheKey(id), () => this.context.database.read(find));
  }

  /**
   * The live row, made by `make` if there is none. However many ask at once share one transaction, and what another
   * process made first is not made known again: a caller that many calls bring at once stays readable meanwhile.
   */
  async getOrCreate(
    id: string,
    make: (tx: EntityManager) => Promise<unknown>,
    touched: readonly CacheKey[] = [this.mapping.cacheKey(id)],
  ): Promise<Readonly<T>> {
    const there = await this.get(id);
    if (there) return there;
    await (this.context.making.get(this.mapping.cacheKey(id)) ?? this.startMaking(id, make, touched));
    const made = await this.get(id);
    if (!made) throw this.notFound(id);
    return made;
  }

  private startMaking(
    id: string,
    make: (tx: EntityManager) => Promise<unknown>,
    touched: readonly CacheKey[],
  ): Promise<void> {
    const key = this.mapping.cacheKey(id);
    const making = (async () => {
      const isNew = await this.write(
        async (tx) => {
          if (await this.find(tx, id)) return false;
          await make(tx);
          return true;
        },
        (written) => (written ? touched : []),
      );
      if (!isNew) await this.context.cache.forget(touched);
    })().finally(() => this.context.making.delete(key));
    this.context.making.set(key, making);
    return making;
  }

  /** The live row of this transaction; null when there is none. */
  async find(manager: EntityManager, id: string): Promise<T | null> {
    const row = await this.in(manager).findOne({ where: this.mapping.where(id) });
    return row && !row.deletedAt ? row : null;
  }

  /** The same, locked against other changes until this transaction ends. */
  async findForUpdate(tx: EntityManager, id: string): Promise<T | null> {
    const row = await this.in(tx).findOne({ where: this.mapping.where(id), ...rowLock(tx) });
    return row && !row.deletedAt ? row : null;
  }

  /** The live row of this transaction, or 404 in the seed's words. */
  async findOrFail(manager: EntityManager, id: string): Promise<T> {
    const row = await this.find(manager, id);
    if (!row) throw this.notFound(id);
    return row;
  }

  notFound(id: string): NotFoundException {
    return new NotFoundException({
      message: missingText({ kind: this.mapping.kind, id }),
      param: this.mapping.param,
    });
  }

  /**
   * Inside a transaction: a new row, or the deleted one of the same id made new (its internal id stays).
   * A row that a call made and no administrator has written since is taken over. 409 when any other is there and alive, or
   * another live row has a value that only one may have. `fill` sets everything else.
   */
  async create(tx: EntityManager, id: string, by: string, fill: (row: T, now: Date) => void): Promise<T> {
    const row = this.fresh(tx, id, uuidv7(), by, fill);
    const there = await this.insertOrFind(tx, row, rowLock(tx));
    if (there.id !== row.id && !there.deletedAt && !isMadeByCall(there)) throw this.alreadyExists(id);
    return this.made(tx, id, there.id === row.id ? row : await this.revive(tx, id, there.id, by, fill));
  }

  /**
   * Inside a transaction: the live row of this id, made (or revived) with `fill` if there is none. Any number of
   * transactions may ask at once; they end with one row. 409 when another live row has a value that only one may have:
   * the transaction may go on then, unless the id was a deleted row's.
   */
  async ensure(tx: EntityManager, id: string, by: string, fill: (row: T, now: Date) => void): Promise<T> {
    const row = this.fresh(tx, id, uuidv7(), by, fill);
    const there = await this.insertOrFind(tx, row);
    if (there.id !== row.id && !there.deletedAt) return there;
    return this.made(tx, id, there.id === row.id ? there : await this.revive(tx, id, there.id, by, fill));
  }

  private revive(
    tx: EntityManager,
    id: string,
    rowId: string,
    by: string,
    fill: (row: T, now: Date) => void,
  ): Promise<T> {
    return this.save(tx, this.fresh(tx, id, rowId, by, fill));
  }

  /** A row that begins owing what calls named it for before it was there. */
  private async made(tx: EntityManager, id: string, row: T): Promise<T> {
    const { kind } = this.mapping;
    if (kind === 'end_user' || kind === 'tag') await this.context.spend.carryOver(tx, kind, row, id);
    return row;
  }

  /** The same, and nobody else deletes it until this transaction ends: for a user whom another row names. */
  async ensureKept(tx: EntityManager, id: string, by: string, fill: (row: T, now: Date) => void): Promise<T> {
    const there = await this.ensure(tx, id, by, fill);
    if (!this.context.database.isPostgres) return there;
    const kept = await this.in(tx).findOneOrFail({ where: this.mapping.where(id), ...rowLock(tx) });
    // Deleted in the moment between the two: whoever did it is done, and it is made anew.
    return kept.deletedAt ? this.ensure(tx, id, by, fill) : kept;
  }

  /** The row `ensure` would return when it fills in nothing, without writing it. */
  preview(id: string): Promise<T> {
    return this.context.database.read(async (manager) => {
      const there = await this.in(manager).findOne({ where: this.mapping.where(id) });
      return there && !there.deletedAt
        ? there
        : this.fresh(manager, id, there?.id ?? 'not-made-yet', 'nobody', () => {});
    });
  }

  /** Exactly one of any number of concurrent transactions inserts; the others get its row, or 409 where that has another id. */
  private async insertOrFind(tx: EntityManager, row: T, lock: ReturnType<typeof rowLock> = {}): Promise<T> {
    const { where, idOf } = this.mapping;
    await this.in(tx)
      .createQueryBuilder()
      .insert()
      .values(row as never)
      .orIgnore()
      .updateEntity(false)
      .execute();
    const there = await this.in(tx).findOne({ where: where(idOf(row)), ...lock });
    if (!there) throw await this.clash(tx, row);
    return there;
  }

  /** Why a row was not inserted: the value of which column another live row has. */
  private async clash(tx: EntityManager, row: T): Promise<Error> {
    const { unique = [] } = this.mapping;
    for (const { property, taken } of unique) {
      const where = { [property]: row[property], deletedAt: IsNull() } as FindOptionsWhere<T>;
      if (row[property] && (await this.in(tx).existsBy(where))) return taken(row);
    }
    return new ConflictException({ message: 'Somebody else took the same name in the same moment.' });
  }

  /** Saves a row; 409 when another live row has a value that only one may have, which fails the transaction. */
  private async save(tx: EntityManager, row: T): Promise<T> {
    const { unique = [] } = this.mapping;
    try {
      return await this.in(tx).save(row);
    } catch (error) {
      const { columns } = this.in(tx).metadata;
      const clashing = unique.find(({ property, index }) => {
        const column = columns.find(({ propertyName }) => propertyName === property)!.databaseName;
        return isUniqueViolation(error, index, column);
      });
      throw clashing ? clashing.taken(row) : error;
    }
  }

  private fresh(
    tx: EntityManager,
    id: string,
    rowId: string,
    by: string,
    fill: (row: T, now: Date) => void,
  ): T {
    this.requireName(id);
    const now = this.context.clock();
    const row = Object.assign(this.blank(tx, rowId, by, now), this.mapping.where(id));
    fill(row, now);
    return row;
  }

  /** 400 for a public id that no row can have, whoever asked for it: a body, a header or a token. A member's are those of others. */
  private requireName(id: string): void {
    const { kind, title, param } = this.mapping;
    if (kind === 'member' || isName(id)) return;
    throw new BadRequestException({
      message: `${title}: the id must have at most ${MAX_NAME_BYTES} bytes, none of them a control character`,
      param,
    });
  }

  alreadyExists(id: string): ConflictException {
    const { title, param } = this.mapping;
    return new ConflictException({ message: `${title} already exists, passed ${param}=${id}`, param });
  }

  /** Inside a transaction: changes the live row and says who did it. 404 when there is none. */
  async update(tx: EntityManager, id: string, by: string, change: (row: T, now: Date) => void): Promise<T> {
    const row = await this.findForUpdate(tx, id);
    if (!row) throw this.notFound(id);
    const now = this.context.clock();
    change(row, now);
    row.updatedAt = now;
    row.updatedBy = by;
    return this.save(tx, row);
  }

  /** Inside a transaction: the row is gone for everyone but the ledger's history. */
  async remove(tx: EntityManager, row: T, by: string): Promise<void> {
    const now = this.context.clock();
    row.deletedAt = now;
    row.updatedAt = now;
    row.updatedBy = by;
    await this.in(tx).save(row);
  }

  /** One transaction, then eviction of the rows it touched, then the answer. `touched` gets the result. */
  async write<R>(
    work: (tx: EntityManager) => Promise<R>,
    touched: (result: R) => readonly CacheKey[],
  ): Promise<R> {
    const { result, keys } = await this.context.database.write(async (tx) => {
      const done = await work(tx);
      const changed = touched(done);
      this.context.cache.willChange(tx, changed);
      return { result: done, keys: changed };
    });
    await this.context.cache.evict(keys);
    return result;
  }

  now(): Date {
    return this.context.clock();
  }

  /** What a row's party has spent, as its view tells it. */
  spentBy(row: Readonly<T>): Promise<NanoUsd> {
    return this.context.spend.of(this.spender(row));
  }

  /** Last in the transaction of the row: its spending is this from now on. Without an amount it stays what it is. */
  async setSpend(tx: EntityManager, row: Readonly<T>, usd: number | null | undefined): Promise<void> {
    if (usd !== null && usd !== undefined)
      await this.context.spend.set(tx, this.spender(row), toNanoUsd(usd));
  }

  private spender(row: Readonly<T>): Spender {
    const { kind, idOf, entity } = this.mapping;
    return { kind, row, publicId: idOf(row as T), entity };
  }

  cacheKeyOf(row: T): CacheKey {
    return this.mapping.cacheKey(this.mapping.idOf(row));
  }

  private blank(manager: EntityManager, id: string, by: string, now: Date): T {
    const rows = this.in(manager);
    const row = rows.create();
    for (const { propertyName } of rows.metadata.columns)
      (row as Record<string, unknown>)[propertyName] = null;
    return Object.assign(row, { id, blocked: false, ...madeBy(by, now) });
  }
}

/** PostgreSQL names the index, SQLite the column. */
const isUniqueViolation = (error: unknown, index: string, column: string) =>
  error instanceof QueryFailedError &&
  ((error as { constraint?: unknown }).constraint === index ||
    (error.message.includes('UNIQUE constraint failed') && error.message.endsWith(`.${column}`)));
