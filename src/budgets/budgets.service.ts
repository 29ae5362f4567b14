import {
  BadRequestException,
  ConflictException,
  Inject,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { cacheKey } from '../cache/changes.js';
import { RowCache } from '../cache/row-cache.js';
import { CLOCK, type Clock } from '../clock.js';
import { Database } from '../database/database.js';
import { applyLimits } from '../parties/apply-limits.js';
import { authorshipView, limitsView } from '../parties/limits.view.js';
import { Budget } from './budget.entity.js';
import type { BudgetRow, NewBudgetDto } from './budgets.dto.js';

/** Tiers: limits that many parties share. */
@Injectable()
export class BudgetsService {
  constructor(
    private readonly database: Database,
    private readonly cache: RowCache,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The tier, cached; null when there is none. */
  get(budgetId: string): Promise<Readonly<Budget> | null> {
    return this.cache.get(cacheKey.budget(budgetId), () =>
      this.database.read((manager) => manager.findOneBy(Budget, { budgetId })),
    );
  }

  /** Makes a tier. 409 when its id is taken. */
  async create(dto: NewBudgetDto, by: string): Promise<BudgetRow> {
    const row = await this.database.write(async (tx) => {
      const budget = await this.make(tx, dto, by);
      await this.cache.willChange(tx, [cacheKey.budget(budget.budgetId)]);
      return budget;
    });
    await this.cache.evict([cacheKey.budget(row.budgetId)]);
    return budgetView(row);
  }

  /** The same inside a transaction of somebody else's; they evict it. */
  async make(tx: EntityManager, dto: NewBudgetDto, by: string): Promise<Budget> {
    const budgetId = dto.budget_id ?? uuidv7();
    const now = this.clock();
    const budget = tx.create(Budget, {
      ...UNLIMITED,
      id: uuidv7(),
      budgetId,
      createdBy: by,
      updatedBy: by,
    });
    budget.createdAt = now;
    budget.updatedAt = now;
    applyLimits(budget, dto, now);
    await tx
      .createQueryBuilder()
      .insert()
      .into(Budget)
      .values(budget as never)
      .orIgnore()
      .updateEntity(false)
      .execute();
    const there = await tx.findOneByOrFail(Budget, { budgetId });
    if (there.id !== budget.id) throw taken(budgetId);
    return budget;
  }

  /** Those of the tiers asked for that are there, in the order asked. 400 when none is asked for. */
  async info(budgetIds: readonly string[]): Promise<BudgetRow[]> {
    if (!budgetIds.length) {
      throw new BadRequestException({ message: 'Name the tiers to look up in `budgets`', param: 'budgets' });
    }
    const rows = await this.database.read((manager) => manager.findBy(Budget, { budgetId: In(budgetIds) }));
    const place = ({ budgetId }: Budget) => budgetIds.indexOf(budgetId);
    return rows.toSorted((a, b) => place(a) - place(b)).map(budgetView);
  }
}

const taken = (budgetId: string) =>
  new ConflictException({
    message: `Budget already exists, passed budget_id=${budgetId}`,
    param: 'budget_id',
  });

/** Inside a transaction: refuses to link a party to a tier that is not there. */
export async function requireBudget(tx: EntityManager, budgetId: string | null | undefined): Promise<void> {
  if (!budgetId || (await tx.existsBy(Budget, { budgetId }))) return;
  throw new NotFoundException({
    message: `Budget not found, passed budget_id=${budgetId}`,
    param: 'budget_id',
  });
}

const UNLIMITED = {
  maxBudgetNanoUsd: null,
  softBudgetNanoUsd: null,
  budgetDuration: null,
  budgetAnchor: null,
  budgetSince: null,
  budgetLimits: null,
  modelMaxBudget: null,
  tpmLimit: null,
  rpmLimit: null,
  maxParallelRequests: null,
  allowedModels: null,
};

/** A tier as LiteLLM tells it. */
export function budgetView(row: Budget): BudgetRow {
  const { budget_limits, ...limits } = limitsView(row);
  return {
    budget_id: row.budgetId,
    ...limits,
    ...(budget_limits && { budget_limits: budget_limits as BudgetRow['budget_limits'] }),
    model_max_budget: row.modelMaxBudget,
    allowed_models: row.allowedModels ?? [],
    ...authorshipView(row),
  };
}
