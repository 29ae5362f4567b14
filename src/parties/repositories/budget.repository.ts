import { Injectable } from '@nestjs/common';
import { MissingRowException } from '../../http/missing-row.exception.js';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, type EntityTarget, In, IsNull, Repository } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { lockSubject } from '../../database/row-lock.js';
import type { Limits } from '../limits-row.js';
import type { PartyRow } from '../party-row.js';
import { MAX_HOLDERS_NAMED, type TierHolders, tierHolders } from '../tier-holders.js';
import { withTier } from '../with-tier.js';
import { AggregateRepository } from '../../database/aggregate-repository.js';
import { Budget } from '../entities/budget.entity.js';

/** Tiers: limits that many parties share. */
@Injectable()
export class BudgetRepository extends AggregateRepository<Budget> {
  constructor(@InjectRepository(Budget) rows: Repository<Budget>) {
    super(rows);
  }

  /** Locks a tier against deletion until this transaction ends. Throws 404 if there is none. */
  async require(tx: EntityManager, budgetId: string | null | undefined): Promise<void> {
    if (!budgetId) return;
    await lockSubject(tx, cacheKey.budget(budgetId), 'shared');
    if (!(await this.in(tx).existsBy({ budgetId }))) throw budgetNotFound(budgetId);
  }

  /** Returns the parties that name this tier, kind by kind: how many there are, and the first of each kind. */
  async holdersOf(tx: EntityManager, budgetId: string): Promise<TierHolders[]> {
    const holders: TierHolders[] = [];
    for (const { target, tableName, columns } of tx.connection.entityMetadatas) {
      const names = new Set(columns.map(({ propertyName }) => propertyName));
      if (target === Budget || !names.has('budgetId') || !names.has('deletedAt')) continue;
      const [rows, count] = await tx.findAndCount(target as EntityTarget<PartyRow>, {
        where: { budgetId, deletedAt: IsNull() },
        order: { id: 'ASC' },
        take: MAX_HOLDERS_NAMED,
      });
      if (count) holders.push(tierHolders(tableName, count, rows));
    }
    return holders;
  }

  /** Fills the limits of these parties with those of their tiers. */
  async withTiers<T extends Limits & { readonly budgetId: string | null }>(
    manager: EntityManager,
    rows: readonly T[],
  ): Promise<Readonly<T>[]> {
    const byId = await this.tiersOf(manager, rows);
    return rows.map((row) => withTier<T>(row, row.budgetId === null ? null : byId.get(row.budgetId)));
  }

  /** Returns the tiers of these rows by id. Reads nothing if no row has one. */
  async tiersOf(
    manager: EntityManager,
    rows: readonly { readonly budgetId: string | null }[],
  ): Promise<ReadonlyMap<string, Budget>> {
    const budgetIds = new Set(rows.flatMap(({ budgetId }) => budgetId ?? []));
    if (!budgetIds.size) return new Map();
    const tiers = await this.in(manager).findBy({ budgetId: In([...budgetIds]) });
    return new Map(tiers.map((tier) => [tier.budgetId, tier]));
  }
}

export const budgetNotFound = (budgetId: string) =>
  new MissingRowException({ message: `Budget not found, passed budget_id=${budgetId}`, param: 'budget_id' });
