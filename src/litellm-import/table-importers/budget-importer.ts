import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { NewBudgetDto } from '../../budgets/budgets.dto.js';
import { BudgetsService } from '../../budgets/budgets.service.js';
import { cacheKey } from '../../cache/change-epochs.js';
import { bodyOf } from '../admin-body.js';
import type { LitellmRow } from '../litellm-database.js';
import { IMPORTER } from '../restore-row.js';
import { RowRestorer } from '../row-restorer.js';
import { type ImportContext, selectAll, type TableImporter } from './table-importer.js';
import { BudgetRepository } from '../../parties/repositories/budget.repository.js';

@Injectable()
export class BudgetImporter implements TableImporter {
  readonly table = 'LiteLLM_BudgetTable';

  constructor(
    private readonly budgets: BudgetsService,
    private readonly restorer: RowRestorer,
    private readonly rows: BudgetRepository,
  ) {}

  query(): string {
    return selectAll(this.table, 'budget_id');
  }

  idOf({ budget_id }: LitellmRow): string {
    return budget_id as string;
  }

  async import(tx: EntityManager, row: LitellmRow, { warnings }: ImportContext) {
    const budgetId = row.budget_id as string;
    if (await this.rows.in(tx).existsBy({ budgetId })) return 'exists';
    const { allowed_models, ...limits } = row;
    const tier = await this.budgets.make(tx, await bodyOf(NewBudgetDto, limits, warnings), IMPORTER);
    tier.allowedModels = allowed_models as string[] | null;
    this.restorer.restoreLimits(tier, row, warnings);
    await this.rows.in(tx).save(tier);
    return [cacheKey.budget(budgetId)];
  }
}
