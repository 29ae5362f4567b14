import type { EntityManager } from 'typeorm';
import { ADVISORY_LOCKS, type AdvisoryLock } from './advisory-locks.js';

/**
 * Takes the lock for this transaction. Returns false if another replica has it. On SQLite there is one process, so it
 * always returns true.
 */
export async function tryAdvisoryLock(
  tx: EntityManager,
  { isPostgres }: { readonly isPostgres: boolean },
  lock: AdvisoryLock,
): Promise<boolean> {
  if (!isPostgres) return true;
  const [{ turn }] = (await tx.query('SELECT pg_try_advisory_xact_lock($1) AS turn', [
    ADVISORY_LOCKS[lock],
  ])) as [{ turn: boolean }];
  return turn;
}
