import type { EntityManager } from 'typeorm';

/** Is this transaction the only one at it, of all replicas that share the database? SQLite has one process. */
export async function isAlone(
  tx: EntityManager,
  { isPostgres }: { readonly isPostgres: boolean },
  lockId: string,
): Promise<boolean> {
  if (!isPostgres) return true;
  const [{ alone }] = (await tx.query('SELECT pg_try_advisory_xact_lock($1) AS alone', [lockId])) as [
    { alone: boolean },
  ];
  return alone;
}
