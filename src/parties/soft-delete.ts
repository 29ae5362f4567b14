import { type EntityManager, type FindOptionsWhere, IsNull } from 'typeorm';
import { recordBulkChange } from '../database/audited-changes.js';
import { rowLock } from '../database/row-lock.js';
import type { PartyRow } from './party-row.js';

/** Which rows, and who deletes them when. */
interface Burial<T extends PartyRow> {
  readonly where: FindOptionsWhere<T>;
  readonly by: string;
  readonly now: Date;
}

/**
 * Inside a transaction: all live rows like this are gone, however many, in one statement: the ledger waits behind it.
 * Returns them, for eviction.
 */
export async function softDeleteWhere<T extends PartyRow>(
  tx: EntityManager,
  entity: new () => T,
  { where, by, now }: Burial<T>,
): Promise<T[]> {
  const live = { ...where, deletedAt: IsNull() } as FindOptionsWhere<T>;
  // An update locks rows in the order it meets them: two that meet the same keys would wait for each other.
  if (tx.connection.options.type === 'postgres')
    await tx.find(entity, {
      select: { id: true },
      where: live,
      order: { id: 'ASC' },
      ...rowLock(tx),
    } as never);
  await tx.update<PartyRow>(entity, live, { deletedAt: now, updatedAt: now, updatedBy: by });
  const buried = await tx.findBy(entity, { ...where, deletedAt: now } as FindOptionsWhere<T>);
  recordBulkChange(
    tx,
    entity,
    buried.map((row) => ({ before: { ...row, deletedAt: null }, after: null })),
  );
  return buried;
}
