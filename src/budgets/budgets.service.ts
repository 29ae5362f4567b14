import { BadRequestException, ConflictException, Inject, Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { newId } from '../platform/new-id.js';
import { cacheKey } from '../cache/change-epochs.js';
import { RowCache } from '../cache/row-cache.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { authoredBy } from '../database/authored-row.js';
import { Database } from '../database/database.js';
import { lockSubject } from '../database/row-lock.js';
import { type PageQuery, paginate } from '../http/pagination.js';
import { applyLimits } from '../parties/apply-limits.js';
import { UNLIMITED } from '../parties/limits-row.js';
import { authorshipView, limitsView } from '../parties/limits.view.js';
import { holdersText, type TierHolders } from '../parties/tier-holders.js';
import { Budget } from '../parties/entities/budget.entity.js';
import type { BudgetRow, BudgetSetting, NewBudgetDto, UpdateBudgetDto } from './budgets.dto.js';
import { BudgetRepository, budgetNotFound } from '../parties/repositories/budget.repository.js';

/** Creates, changes, lists and deletes tiers: limits that many parties share. */
@Injectable()
export class BudgetsService {
  constructor(
    private readonly database: Database,
    private readonly cache: RowCache,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG)
    private readonly config: { readonly litellm: Pick<Config['litellm'], 'maxEndUserBudgetId'> },
    private readonly budgets: BudgetRepository,
  ) {}

  /** Returns the tier, cached; null if there is none. */
  get(budgetId: string): Promise<Readonly<Budget> | null> {
    return this.cache.get(cacheKey.budget(budgetId), () =>
      this.database.read((manager) => this.budgets.in(manager).findOneBy({ budgetId })),
    );
  }

  /** Creates a tier. Throws 409 if its id exists. */
  async create(dto: NewBudgetDto, by: string): Promise<BudgetRow> {
    const row = await this.database.write(async (tx) => {
      const budget = await this.make(tx, dto, by);
      this.cache.willChange(tx, [cacheKey.budget(budget.budgetId)]);
      return budget;
    });
    await this.cache.evict([cacheKey.budget(row.budgetId)]);
    return budgetView(row);
  }

  /** Creates a tier. Must run inside a transaction. The caller evicts it. */
  async make(tx: EntityManager, dto: NewBudgetDto, by: string): Promise<Budget> {
    const budgetId = dto.budget_id ?? newId();
    const now = this.clock();
    const budget = this.budgets.in(tx).create({
      ...UNLIMITED,
      allowedModels: null,
      id: uuidv7(),
      budgetId,
      ...authoredBy(by, now),
    });
    applyLimits(budget, dto, now);
    await this.budgets.insertOrIgnore(tx, budget);
    const existing = await this.budgets.in(tx).findOneByOrFail({ budgetId });
    if (existing.id !== budget.id) throw alreadyExists(budgetId);
    return budget;
  }

  /** Changes a tier. The change applies to its parties at once. Throws 404 if it does not exist. */
  async update(dto: UpdateBudgetDto, by: string): Promise<BudgetRow> {
    return this.change(dto.budget_id, async (tx, budget) => {
      const now = this.clock();
      applyLimits(budget, dto, now);
      budget.updatedAt = now;
      budget.updatedBy = by;
      await this.budgets.in(tx).save(budget);
    });
  }

  /**
   * Deletes a tier and returns it. Throws 404 if it does not exist, and 409 while a party names it, because the party
   * would lose its limits. The error names the parties and the requests that take the tier from them.
   */
  async delete(budgetId: string): Promise<BudgetRow> {
    return this.change(budgetId, async (tx, budget) => {
      if (budgetId === this.config.litellm.maxEndUserBudgetId)
        throw inUse(budgetId, 'the end users of litellm_settings.max_end_user_budget_id', []);
      const holders = await this.budgets.holdersOf(tx, budgetId);
      if (holders.length) throw inUse(budgetId, holdersText(holders), holders);
      await this.budgets.in(tx).remove(budget);
    });
  }

  /** Lists every tier, oldest first. */
  async list(page: PageQuery): Promise<BudgetRow[]> {
    const order = { createdAt: 'ASC', id: 'ASC' } as const;
    const rows = await this.database.read((manager) =>
      this.budgets.in(manager).find({ order, ...paginate(page) }),
    );
    return rows.map(budgetView);
  }

  /** Returns the limits of a tier, one by one. Throws 404 if it does not exist. */
  async settings(budgetId: string): Promise<BudgetSetting[]> {
    const row = await this.database.read((manager) => this.budgets.in(manager).findOneBy({ budgetId }));
    if (!row) throw budgetNotFound(budgetId);
    const view = budgetView(row);
    return SETTINGS.map(([field_name, field_type, field_description]) => ({
      field_name,
      field_type,
      field_description,
      field_value: view[field_name],
      stored_in_db: view[field_name] !== null,
      field_default_value: null,
    }));
  }

  private async change(
    budgetId: string,
    work: (tx: EntityManager, budget: Budget) => Promise<void>,
  ): Promise<BudgetRow> {
    const view = await this.database.write(async (tx) => {
      // Excludes transactions that are about to name the tier.
      await lockSubject(tx, cacheKey.budget(budgetId), 'alone');
      const budget = await this.budgets.in(tx).findOneBy({ budgetId });
      if (!budget) throw budgetNotFound(budgetId);
      await work(tx, budget);
      this.cache.willChange(tx, [cacheKey.budget(budgetId)]);
      return budgetView(budget);
    });
    await this.cache.evict([cacheKey.budget(budgetId)]);
    return view;
  }

  /** Returns the requested tiers that exist, in the order requested. Throws 400 if none is requested. */
  async info(budgetIds: readonly string[]): Promise<BudgetRow[]> {
    if (!budgetIds.length) {
      throw new BadRequestException({ message: 'Name the tiers to look up in `budgets`', param: 'budgets' });
    }
    const rows = await this.database.read((manager) =>
      this.budgets.in(manager).findBy({ budgetId: In(budgetIds) }),
    );
    const place = ({ budgetId }: Budget) => budgetIds.indexOf(budgetId);
    return rows.toSorted((a, b) => place(a) - place(b)).map(budgetView);
  }
}

const alreadyExists = (budgetId: string) =>
  new ConflictException({
    message: `Budget already exists, passed budget_id=${budgetId}`,
    param: 'budget_id',
  });

const inUse = (budgetId: string, by: string, holders: readonly TierHolders[]) =>
  new ConflictException({
    message: `Take budget ${budgetId} from those whom it limits first: ${by}`,
    param: 'id',
    details: { holders },
  });

const SETTINGS = [
  ['max_budget', 'Float', 'US dollars that may be spent, per `budget_duration` if there is one'],
  ['soft_budget', 'Float', 'US dollars after which a warning is due; never refuses'],
  ['max_parallel_requests', 'Integer', 'Calls at the same time'],
  ['tpm_limit', 'Integer', 'Tokens per minute'],
  ['rpm_limit', 'Integer', 'Requests per minute'],
  ['budget_duration', 'String', 'How long a budget lasts before it starts again, e.g. 30d'],
  ['model_max_budget', 'Object', 'A budget per model'],
] as const;

/** Returns a tier as LiteLLM shows it. */
export function budgetView(row: Budget): BudgetRow {
  const { budget_limits, ...limits } = limitsView({ ...row, budgetId: null });
  return {
    budget_id: row.budgetId,
    ...limits,
    ...(budget_limits && { budget_limits }),
    model_max_budget: row.modelMaxBudget,
    allowed_models: row.allowedModels ?? [],
    ...authorshipView(row),
  };
}
