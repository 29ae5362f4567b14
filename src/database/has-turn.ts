import type { EntityManager } from 'typeorm';

/** Has this transaction the turn, of all replicas that share the database? SQLite has one process. */
export async function hasTurn(
  tx: EntityManager,
  { isPostgres }: { readonly isPostgres: boolean },
  lockId: string,
): Promise<boolean> {
  if (!isPostgres) return true;
  const [{ turn }] = (await tx.query('SELECT pg_try_advisory_xact_lock($1) AS turn', [lockId])) as [
    { turn: boolean },
  ];
  return turn;
}
