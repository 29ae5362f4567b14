import type { EntityManager } from 'typeorm';

/** Options of a read whose row nobody else changes until the transaction ends. SQLite has one writer at a time, and no words for this. */
export function rowLock(tx: EntityManager) {
  return tx.connection.options.type === 'postgres' ? { lock: { mode: 'pessimistic_write' as const } } : {};
}

/**
 * Inside a transaction: keeps a row that many name at once as it is, or has it alone to change it. Whoever asks waits behind
 * everybody who asked before. A row lock that is shared has no such order: who shares it passes who waits to have it alone.
 */
export async function lockInTurn(
  tx: EntityManager,
  subject: string,
  mode: 'shared' | 'alone',
): Promise<void> {
  if (tx.connection.options.type !== 'postgres') return;
  const lock = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  await tx.query(`SELECT ${lock}(hashtextextended($1, 0))`, [subject]);
}
