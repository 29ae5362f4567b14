import type { EntityManager, FindOptionsWhere } from 'typeorm';

/**
 * Options of a read whose row nobody else changes (or, shared, deletes) until the transaction ends. SQLite has one writer
 * at a time, and no words for this.
 */
export function lockFor(
  tx: EntityManager,
  mode: 'pessimistic_write' | 'pessimistic_read' = 'pessimistic_write',
) {
  return tx.connection.options.type === 'postgres' ? { lock: { mode } } : {};
}

/** Inside a transaction: the rows that any of these describe, locked. Whoever locks several does it in this one order, so nobody stands in another's way. */
export function lockedInOrder<T extends { id: string }>(
  tx: EntityManager,
  entity: new () => T,
  ...where: FindOptionsWhere<T>[]
): Promise<T[]> {
  return tx.find<T>(entity, { where, order: { id: 'ASC' }, ...lockFor(tx) } as never);
}
