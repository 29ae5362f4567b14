import { BadRequestException, ConflictException } from '@nestjs/common';
import { MissingRowException } from '../../http/missing-row.exception.js';
import {
  type EntityManager,
  type FindManyOptions,
  type FindOptionsSelect,
  type FindOptionsWhere,
  IsNull,
  type Repository,
  type SelectQueryBuilder,
} from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { CacheKey } from '../../cache/change-epochs.js';
import { recordBulkChange } from '../../database/audited-changes.js';
import { AggregateRepository } from '../../database/aggregate-repository.js';
import { rowLock } from '../../database/row-lock.js';
import { isMadeByCall, authoredBy } from '../../database/authored-row.js';
import { isName, MAX_NAME_BYTES } from '../../policy/name.js';
import { missingText } from '../../policy/checks/parties-exist.js';
import type { NanoUsd } from '../../policy/money.js';
import type { Spender } from '../party-spend.js';
import { lightNames, withContent } from '../listed-rows.js';
import type { PartyRow } from '../party-row.js';
import { toNanoUsd } from '../usd.js';
import type { PartyMapping } from './party-mapping.js';
import type { PartyRepositoryContext } from './party-repository-context.js';
import { conflictOf, violatedRefusal } from './unique-columns.js';

/**
 * The rows of one kind of party. Reads go through the cache. After a write, every reader sees it at once. A deletion
 * keeps the row. A creation with the same id revives it, so its accounts continue.
 */
export abstract class PartyRepository<T extends PartyRow> extends AggregateRepository<T> {
  constructor(
    private readonly mapping: PartyMapping<T>,
    rows: Repository<T>,
    private readonly context: PartyRepositoryContext,
  ) {
    super(rows);
  }

  /**
   * Returns the live row from the cache, frozen; null if there is none. Throws only if the database does not respond.
   */
  get(
    id: string,
    find = (manager: EntityManager): Promise<T | null> => this.find(manager, id),
  ): Promise<Readonly<T> | null> {
    return this.context.cache.get(this.mapping.cacheKey(id), () => this.context.database.read(find));
  }

  /**
   * Returns the live row, and creates it with `create` if there is none. Concurrent requests share one transaction. A
   * row that another process created first is not announced again, so a caller of many concurrent calls stays cached.
   */
  async getOrCreate(
    id: string,
    create: (tx: EntityManager) => Promise<unknown>,
    cacheKeys: readonly CacheKey[] = [this.mapping.cacheKey(id)],
  ): Promise<Readonly<T>> {
    const existing = await this.get(id);
    if (existing) return existing;
    await (this.context.creations.get(this.mapping.cacheKey(id)) ??
      this.startCreation(id, create, cacheKeys));
    const created = await this.get(id);
    if (!created) throw this.notFound(id);
    return created;
  }

  private startCreation(
    id: string,
    create: (tx: EntityManager) => Promise<unknown>,
    cacheKeys: readonly CacheKey[],
  ): Promise<void> {
    const key = this.mapping.cacheKey(id);
    const creation = (async () => {
      const isNew = await this.write(
        async (tx) => {
          if (await this.find(tx, id)) return false;
          await create(tx);
          return true;
        },
        (isCreated) => (isCreated ? cacheKeys : []),
      );
      if (!isNew) await this.context.cache.forget(cacheKeys);
    })().finally(() => this.context.creations.delete(key));
    this.context.creations.set(key, creation);
    return creation;
  }

  /** Returns the live row as this transaction sees it; null if there is none. */
  async find(manager: EntityManager, id: string): Promise<T | null> {
    const row = await this.in(manager).findOne({ where: this.mapping.where(id) });
    return row && !row.deletedAt ? row : null;
  }

  /** Returns the live row and locks it until the transaction ends; null if there is none. */
  async findForUpdate(tx: EntityManager, id: string): Promise<T | null> {
    const row = await this.in(tx).findOne({ where: this.mapping.where(id), ...rowLock(tx) });
    return row && !row.deletedAt ? row : null;
  }

  /** Returns the live row as this transaction sees it. Throws 404 if there is none. */
  async findOrFail(manager: EntityManager, id: string): Promise<T> {
    const row = await this.find(manager, id);
    if (!row) throw this.notFound(id);
    return row;
  }

  /** Locks the live row until this transaction ends, and returns it. Throws 404 when there is none. */
  async findForUpdateOrFail(tx: EntityManager, id: string): Promise<T> {
    const row = await this.findForUpdate(tx, id);
    if (!row) throw this.notFound(id);
    return row;
  }

  /** Returns rows for a list, with the content that clients store with them if it is small enough. */
  async findListed(manager: EntityManager, options: FindManyOptions<T>): Promise<T[]> {
    const rows = this.in(manager);
    const select = Object.fromEntries(lightNames(rows.metadata).map((name) => [name, true]));
    return withContent(rows, await rows.find({ ...options, select: select as FindOptionsSelect<T> }));
  }

  /** Begins a query of rows without the content that clients store with them. `withContent` adds it to the rows found. */
  selectListed(manager: EntityManager, alias: string): SelectQueryBuilder<T> {
    const rows = this.in(manager);
    return rows.createQueryBuilder(alias).select(lightNames(rows.metadata).map((name) => `${alias}.${name}`));
  }

  /** Adds the content that clients store with these rows, if it is small enough for a list. */
  withContent(manager: EntityManager, rows: T[]): Promise<T[]> {
    return withContent(this.in(manager), rows);
  }

  /** Locks live rows in the order of their ids, without reading them. Must run inside a transaction. */
  async lockLive(tx: EntityManager, where: FindOptionsWhere<T>): Promise<void> {
    if (!this.context.database.isPostgres) return;
    await this.in(tx).find({
      select: { id: true },
      where: { ...where, deletedAt: IsNull() },
      order: { id: 'ASC' },
      ...rowLock(tx),
    } as never);
  }

  /**
   * Deletes all live rows that match, in one statement, because the ledger waits for it. Must run inside a transaction.
   * Returns the rows, for eviction.
   */
  async softDeleteWhere(tx: EntityManager, where: FindOptionsWhere<T>, by: string): Promise<T[]> {
    const { entity } = this.mapping;
    const now = this.context.clock();
    // An update locks rows in the order it meets them. Two updates of the same rows would wait for each other.
    await this.lockLive(tx, where);
    const live = { ...where, deletedAt: IsNull() } as FindOptionsWhere<T>;
    await this.in(tx).update(live, { deletedAt: now, updatedAt: now, updatedBy: by } as never);
    const deleted = await this.in(tx).findBy({ ...where, deletedAt: now } as FindOptionsWhere<T>);
    recordBulkChange(
      tx,
      entity,
      deleted.map((row) => ({ before: { ...row, deletedAt: null }, after: null })),
    );
    return deleted;
  }

  notFound(id: string): MissingRowException {
    return new MissingRowException({
      message: missingText({ kind: this.mapping.kind, id }),
      param: this.mapping.param,
    });
  }

  /**
   * Creates a row, or revives the deleted row of the same id (its internal id stays). Must run inside a transaction.
   * Takes over a row that a call created and no admin has written since. Throws 409 if any other live row has the id,
   * or a value that must be unique. `fill` sets everything else.
   */
  async create(tx: EntityManager, id: string, by: string, fill: (row: T, now: Date) => void): Promise<T> {
    const row = this.newRow(tx, id, uuidv7(), by, fill);
    const existing = await this.insertOrFind(tx, row, rowLock(tx));
    if (existing.id !== row.id && !existing.deletedAt && !isMadeByCall(existing))
      throw this.alreadyExists(id);
    return this.billedForPriorCalls(
      tx,
      id,
      existing.id === row.id ? row : await this.revive(tx, id, existing.id, by, fill),
    );
  }

  /**
   * Returns the live row of this id. Creates or revives it with `fill` if there is none. Must run inside a transaction.
   * Concurrent transactions end with one row.
   *
   * Throws 409 if another live row has a value that must be unique. The transaction may continue then, unless the id
   * belonged to a deleted row.
   */
  async ensure(tx: EntityManager, id: string, by: string, fill: (row: T, now: Date) => void): Promise<T> {
    const row = this.newRow(tx, id, uuidv7(), by, fill);
    const existing = await this.insertOrFind(tx, row);
    if (existing.id !== row.id && !existing.deletedAt) return existing;
    return this.billedForPriorCalls(
      tx,
      id,
      existing.id === row.id ? existing : await this.revive(tx, id, existing.id, by, fill),
    );
  }

  private revive(
    tx: EntityManager,
    id: string,
    rowId: string,
    by: string,
    fill: (row: T, now: Date) => void,
  ): Promise<T> {
    return this.save(tx, this.newRow(tx, id, rowId, by, fill));
  }

  /** Bills a new row for the calls that named it before it existed. */
  private async billedForPriorCalls(tx: EntityManager, id: string, row: T): Promise<T> {
    const { kind } = this.mapping;
    if (kind === 'end_user' || kind === 'tag') await this.context.spend.carryOver(tx, kind, row, id);
    return row;
  }

  /**
   * Does the same as `ensure`, and locks the row against deletion until the transaction ends: for a user that another
   * row names.
   */
  async ensureLocked(
    tx: EntityManager,
    id: string,
    by: string,
    fill: (row: T, now: Date) => void,
  ): Promise<T> {
    const existing = await this.ensure(tx, id, by, fill);
    if (!this.context.database.isPostgres) return existing;
    const locked = await this.in(tx).findOneOrFail({ where: this.mapping.where(id), ...rowLock(tx) });
    // Another transaction deleted it between the two statements. That transaction has ended, so the row is created
    // again.
    return locked.deletedAt ? this.ensure(tx, id, by, fill) : locked;
  }

  /** Returns the row that `ensure` would return without a `fill`. Writes nothing. */
  preview(id: string): Promise<T> {
    return this.context.database.read(async (manager) => {
      const existing = await this.in(manager).findOne({ where: this.mapping.where(id) });
      return existing && !existing.deletedAt
        ? existing
        : this.newRow(manager, id, existing?.id ?? 'not-made-yet', 'nobody', () => {});
    });
  }

  /**
   * Inserts the row, or returns the one that exists. Of concurrent transactions exactly one inserts. Throws 409 if the
   * existing row has another id.
   */
  private async insertOrFind(tx: EntityManager, row: T, lock: ReturnType<typeof rowLock> = {}): Promise<T> {
    const { where, idOf } = this.mapping;
    await this.insertOrIgnore(tx, row);
    const existing = await this.in(tx).findOne({ where: where(idOf(row)), ...lock });
    if (!existing) throw await conflictOf(this.in(tx), row, this.mapping.unique);
    return existing;
  }

  /** Saves a row. Throws 409 if another live row has a value that must be unique; the transaction has failed then. */
  private async save(tx: EntityManager, row: T): Promise<T> {
    try {
      return await this.in(tx).save(row);
    } catch (error) {
      throw violatedRefusal(error, this.in(tx), row, this.mapping.unique) ?? error;
    }
  }

  private newRow(
    tx: EntityManager,
    id: string,
    rowId: string,
    by: string,
    fill: (row: T, now: Date) => void,
  ): T {
    this.requireName(id);
    const now = this.context.clock();
    const row = Object.assign(this.emptyRow(tx, rowId, by, now), this.mapping.where(id));
    fill(row, now);
    return row;
  }

  /**
   * Throws 400 for a public id that no row can have, from a body, a header or a token. A member's ids are those of its
   * team and user.
   */
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

  /** Changes the live row and records its author. Must run inside a transaction. Throws 404 if there is none. */
  async update(tx: EntityManager, id: string, by: string, change: (row: T, now: Date) => void): Promise<T> {
    const row = await this.findForUpdate(tx, id);
    if (!row) throw this.notFound(id);
    const now = this.context.clock();
    change(row, now);
    row.updatedAt = now;
    row.updatedBy = by;
    return this.save(tx, row);
  }

  /** Marks the row as deleted. Only the history of the ledger still shows it. Must run inside a transaction. */
  async remove(tx: EntityManager, row: T, by: string): Promise<void> {
    const now = this.context.clock();
    row.deletedAt = now;
    row.updatedAt = now;
    row.updatedBy = by;
    await this.in(tx).save(row);
  }

  /**
   * Runs `work` in one transaction, then evicts the rows it changed, then returns. `cacheKeysOf` gets the result of
   * `work`.
   */
  async write<R>(
    work: (tx: EntityManager) => Promise<R>,
    cacheKeysOf: (result: R) => readonly CacheKey[],
  ): Promise<R> {
    const { result, keys } = await this.context.database.write(async (tx) => {
      const result = await work(tx);
      const keys = cacheKeysOf(result);
      this.context.cache.willChange(tx, keys);
      return { result, keys };
    });
    await this.context.cache.evict(keys);
    return result;
  }

  now(): Date {
    return this.context.clock();
  }

  /** Returns what the row's party has spent, as its view shows it. */
  spentBy(row: Readonly<T>): Promise<NanoUsd> {
    return this.context.spend.of(this.spender(row));
  }

  /** Sets what the party has spent; without an amount it stays. Must be the last step of the row's transaction. */
  async setSpend(tx: EntityManager, row: Readonly<T>, usd: number | null | undefined): Promise<void> {
    if (usd !== null && usd !== undefined)
      await this.context.spend.set(tx, this.spender(row), toNanoUsd(usd));
  }

  /** Returns a row's party as one whose spending is corrected. */
  spender(row: Readonly<T>): Spender {
    const { kind, idOf, entity } = this.mapping;
    return { kind, row, publicId: idOf(row as T), entity };
  }

  cacheKeyOf(row: T): CacheKey {
    return this.mapping.cacheKey(this.mapping.idOf(row));
  }

  private emptyRow(manager: EntityManager, id: string, by: string, now: Date): T {
    const rows = this.in(manager);
    const row = rows.create();
    for (const { propertyName } of rows.metadata.columns)
      (row as Record<string, unknown>)[propertyName] = null;
    return Object.assign(row, { id, blocked: false, ...authoredBy(by, now) });
  }
}
