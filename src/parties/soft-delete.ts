import { type EntityManager, type FindOptionsWhere, IsNull } from 'typeorm';
import { recordBulkChange } from '../database/audited-changes.js';
import { rowLock } from '../database/row-lock.js';
import type { PartyRow } from './party-row.js';

/** The rows to delete, with the author and time of the deletion. */
interface Deletion<T extends PartyRow> {
  readonly where: FindOptionsWhere<T>;
  readonly by: string;
  readonly now: Date;
}

/**
 * Deletes all live rows that match, in one statement, because the ledger waits for it. Must run inside a transaction.
 * Returns the rows, for eviction.
 */
export async function softDeleteWhere<T extends PartyRow>(
  tx: EntityManager,
  entity: new () => T,
  { where, by, now }: Deletion<T>,
): Promise<T[]> {
  const live = { ...where, deletedAt: IsNull() } as FindOptionsWhere<T>;
  // An update locks rows in the order of its scan. Two updates of the same keys would deadlock.
  if (tx.connection.options.type === 'postgres')
    await tx.find(entity, {
      select: { id: true },
      where: live,
      order: { id: 'ASC' },
      ...rowLock(tx),
    } as never);
  await tx.update<PartyRow>(entity, live, { deletedAt: now, updatedAt: now, updatedBy: by });
  const deleted = await tx.findBy(entity, { ...where, deletedAt: now } as FindOptionsWhere<T>);
  recordBulkChange(
    tx,
    entity,
    deleted.map((row) => ({ before: { ...row, deletedAt: null }, after: null })),
  );
  return deleted;
}
