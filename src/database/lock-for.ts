import type { EntityManager } from 'typeorm';

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
