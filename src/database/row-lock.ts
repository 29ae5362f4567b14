import type { EntityManager } from 'typeorm';

/**
 * Returns the options of a read that locks its rows until the transaction ends. SQLite has one writer at a time and
 * no row locks.
 */
export function rowLock(tx: EntityManager) {
  return tx.connection.options.type === 'postgres' ? { lock: { mode: 'pessimistic_write' as const } } : {};
}

/**
 * Locks a subject, shared or alone, until the transaction ends. Waiting transactions get it in their order. Shared
 * row locks have no such order: new sharers pass a transaction that waits to have the row alone. Must run inside a
 * transaction.
 */
export async function lockSubject(
  tx: EntityManager,
  subject: string,
  mode: 'shared' | 'alone',
): Promise<void> {
  if (tx.connection.options.type !== 'postgres') return;
  const lock = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  await tx.query(`SELECT ${lock}(hashtextextended($1, 0))`, [subject]);
}
