import { type EntityManager, type FindOptionsWhere, IsNull } from 'typeorm';
import { tellChanged } from '../database/changed-rows.js';
import { lockFor } from '../database/lock-for.js';
import type { PartyRow } from '../parties/party-row.js';

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
export async function bury<T extends PartyRow>(
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
      ...lockFor(tx),
    } as never);
  await tx.update<PartyRow>(entity, live, { deletedAt: now, updatedAt: now, updatedBy: by });
  const buried = await tx.findBy(entity, { ...where, deletedAt: now } as FindOptionsWhere<T>);
  tellChanged(
    tx,
    entity,
    buried.map((row) => ({ before: { ...row, deletedAt: null }, after: null })),
  );
  return buried;
}
