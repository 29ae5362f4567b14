import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { concatMap, type Observable } from 'rxjs';
import { windowAt } from '../calendar/windows.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { nanoUsd, usdFromNanoUsd } from '../policy/money.js';
import { type AccountSpec, lifetimeAccount, windowAccount } from '../ledger/account.js';
import { Accounts } from '../ledger/accounts.js';
import { Database } from '../database/database.js';
import type { Budget } from '../parties/entities/budget.entity.js';
import type { BudgetTable } from '../parties/limits-response.dto.js';
import { budgetTableView } from '../parties/limits.view.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';
import { type FigurePlaceholder, figurePlaceholder } from '../parties/spend-placeholders.js';

/** Fills current figures into views before they go out: spend, when a budget resets, and the limits of tiers. */
@Injectable()
export class CurrentSpendInterceptor implements NestInterceptor {
  constructor(
    private readonly accounts: Accounts,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
    private readonly database: Database,
    private readonly budgets: BudgetRepository,
  ) {}

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(concatMap((view) => this.withFigures(view)));
  }

  private async withFigures(view: unknown): Promise<unknown> {
    const figures = figuresIn(view);
    if (!figures.length) return view;
    const now = this.clock();
    const tiers = await this.tiersOf(figures);
    const spent = await this.spentOn(
      figures
        .filter(({ figure }) => figure === 'spend')
        .map((figure) => this.account(withWindow(figure, tiers), now)),
    );
    const tell = (placeholder: FigurePlaceholder): unknown => {
      const figure = withWindow(placeholder, tiers);
      switch (figure.figure) {
        case 'spend':
          return usdFromNanoUsd(nanoUsd(spent.get(this.account(figure, now).id) ?? 0n));
        case 'budget_reset_at':
          return figure.duration === null ? null : this.window(figure, now).end.toISOString();
        case 'litellm_budget_table':
          return filled(tierView(tiers.get(figure.tier!)), tell);
      }
    };
    return filled(view, tell);
  }

  private async tiersOf(figures: readonly FigurePlaceholder[]): Promise<ReadonlyMap<string, Budget>> {
    const rows = figures.filter(({ tier }) => tier !== null).map(({ tier: budgetId }) => ({ budgetId }));
    return rows.length
      ? this.database.read((manager) => this.budgets.tiersOf(manager, rows))
      : new Map<string, Budget>();
  }

  /** Returns the committed spend: a call in flight counts once it is settled. */
  private async spentOn(accounts: readonly AccountSpec[]): Promise<ReadonlyMap<string, bigint>> {
    return accounts.length ? this.accounts.spentOn(accounts) : new Map();
  }

  private account({ kind, id, duration, anchorMs, sinceMs }: FigurePlaceholder, now: Date): AccountSpec {
    if (duration === null) return lifetimeAccount(kind, id);
    const rule = { duration, anchor: new Date(anchorMs ?? 0), since: new Date(sinceMs ?? 0) };
    return windowAccount(kind, id, rule, this.config.litellm.timezone, now);
  }

  private window({ duration, anchorMs }: FigurePlaceholder, now: Date) {
    return windowAt(
      { duration: duration!, anchor: new Date(anchorMs ?? 0) },
      this.config.litellm.timezone,
      now,
    );
  }
}

/** Returns a figure with the window of its tier, if that window counts. */
function withWindow(figure: FigurePlaceholder, tiers: ReadonlyMap<string, Budget>): FigurePlaceholder {
  const tier = figure.tier === null ? undefined : tiers.get(figure.tier);
  if (!tier?.budgetDuration) return figure;
  const { budgetDuration: duration, budgetAnchor: anchor, budgetSince: since } = tier;
  return { ...figure, duration, anchorMs: anchor?.getTime() ?? null, sinceMs: since?.getTime() ?? null };
}

/** Returns the limits of a tier as LiteLLM shows them, without its author; null if the tier does not exist. */
const tierView = (tier: Budget | undefined): BudgetTable | null => {
  const table = tier && budgetTableView(tier);
  return table ? { ...table, model_max_budget: tier.modelMaxBudget } : null;
};

function figuresIn(view: unknown, found: FigurePlaceholder[] = []): FigurePlaceholder[] {
  const figure = figurePlaceholder(view);
  if (figure) found.push(figure);
  else if (isContainer(view)) for (const member of Object.values(view)) figuresIn(member, found);
  return found;
}

/** Returns a copy with every figure filled in; the cached view does not change. */
function filled(view: unknown, figureOf: (figure: FigurePlaceholder) => unknown): unknown {
  const figure = figurePlaceholder(view);
  if (figure) return figureOf(figure);
  if (Array.isArray(view)) return view.map((member) => filled(member, figureOf));
  if (!isContainer(view)) return view;
  return Object.fromEntries(Object.entries(view).map(([name, member]) => [name, filled(member, figureOf)]));
}

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !(value instanceof Date);
