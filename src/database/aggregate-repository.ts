import type { EntityManager, FindOptionsWhere, ObjectLiteral, Repository } from 'typeorm';
import { rowLock } from './row-lock.js';

/**
 * Rows of one entity. A service names the manager that `Database.read` or `Database.write` gave it each time: on SQLite's
 * one connection any other statement would join the transaction of another request.
 */
export abstract class AggregateRepository<T extends ObjectLiteral> {
  constructor(private readonly rows: Repository<T>) {}

  /** Returns TypeORM's repository of these rows, inside this read or transaction. */
  in(manager: EntityManager): Repository<T> {
    return manager.withRepository(this.rows);
  }

  /**
   * Locks the rows that any of these conditions describe, and returns them. Must run inside a transaction. All transactions
   * lock rows in the order of their ids, so no two wait for each other.
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
