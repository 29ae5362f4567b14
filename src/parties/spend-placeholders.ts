import { randomUUID } from 'node:crypto';
import type { BudgetTable } from './limits-response.dto.js';
import type { Limits } from './limits-row.js';
import type { PartyKind } from '../policy/facts.js';

const NONCE = randomUUID();

/** A figure that a cached view leaves open, because it changes while the view is cached. */
export interface FigurePlaceholder {
  readonly figure: 'spend' | 'budget_reset_at' | 'litellm_budget_table';
  readonly kind: PartyKind;
  readonly id: string;
  readonly duration: string | null;
  readonly anchorMs: number | null;
  readonly sinceMs: number | null;
  /** The tier to show, or the tier whose window counts. Null: the row has a window or an amount of its own, or no tier. */
  readonly tier: string | null;
}

type Limited = Pick<Limits, 'budgetDuration' | 'budgetAnchor' | 'budgetSince'> &
  Partial<Pick<Limits, 'maxBudgetNanoUsd'>> & { readonly budgetId?: string | null };

/**
 * Returns the placeholder of what a party has spent, in its current window if it has one. Views are cached:
 * `CurrentSpendInterceptor` replaces it in the response. A nonce of this process marks it, so no stored text can
 * imitate it.
 */
export function spendPlaceholder(kind: PartyKind, row: { readonly id: string } & Limited): number {
  return marker('spend', kind, row.id, row) as unknown as number;
}

/** Returns the placeholder of the end of a party's current budget window; null without a window. */
export function budgetResetPlaceholder(row: Limited): string | null {
  return row.budgetDuration === null && windowTierOf(row) === null
    ? null
    : marker('budget_reset_at', 'global', '', row);
}

/** Returns the placeholder of the limits of a party's tier; null without a tier. */
export function tierPlaceholder({ budgetId }: { readonly budgetId: string | null }): BudgetTable | null {
  if (budgetId === null) return null;
  const row = { budgetDuration: null, budgetAnchor: null, budgetSince: null, budgetId };
  return marker('litellm_budget_table', 'global', '', row) as unknown as BudgetTable;
}

/** Returns the tier whose window counts for a row, by the rule of `withTier`. */
const windowTierOf = ({ budgetDuration, maxBudgetNanoUsd = null, budgetId = null }: Limited) =>
  budgetDuration === null && maxBudgetNanoUsd === null ? budgetId : null;

function marker(figure: FigurePlaceholder['figure'], kind: PartyKind, id: string, limits: Limited): string {
  const { budgetDuration: duration, budgetAnchor: anchor, budgetSince: since } = limits;
  return (
    NONCE +
    JSON.stringify({
      figure,
      kind,
      id,
      duration,
      anchorMs: anchor?.getTime() ?? null,
      sinceMs: since?.getTime() ?? null,
      tier: windowTierOf(limits),
    } satisfies FigurePlaceholder)
  );
}

/** Returns the figure that a value of a view stands for; `undefined` for an ordinary value. */
export function figurePlaceholder(value: unknown): FigurePlaceholder | undefined {
  return typeof value === 'string' && value.startsWith(NONCE)
    ? (JSON.parse(value.slice(NONCE.length)) as FigurePlaceholder)
    : undefined;
}
