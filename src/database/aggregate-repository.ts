import type { EntityManager, FindOptionsWhere, ObjectLiteral, Repository } from 'typeorm';
import { rowLock } from './row-lock.js';

/**
 * The rows of one entity. Services pass the manager of `Database.read` or `Database.write` each time: any other
 * statement on SQLite's one connection would join another request's transaction.
 */
export abstract class AggregateRepository<T extends ObjectLiteral> {
  constructor(private readonly rows: Repository<T>) {}

  /** Returns TypeORM's repository of these rows, inside this read or transaction. */
  in(manager: EntityManager): Repository<T> {
    return manager.withRepository(this.rows);
  }

  /**
   * Locks and returns the rows that match any of `where`. All transactions lock rows in the order of their ids, so
   * they cannot deadlock. Must run inside a transaction.
   */
  lockedInOrder(tx: EntityManager, ...where: FindOptionsWhere<T>[]): Promise<T[]> {
    return this.in(tx).find({ where, order: { id: 'ASC' }, ...rowLock(tx) } as never);
  }

  /** Inserts rows; those whose id or unique value is there already are left out. */
  async insertOrIgnore(tx: EntityManager, rows: T | readonly T[]): Promise<void> {
    await this.in(tx)
      .createQueryBuilder()
      .insert()
      .values(rows as never)
      .orIgnore()
      .updateEntity(false)
      .execute();
  }
}
