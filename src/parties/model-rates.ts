import { laxInteger } from '../http/lax-values.js';
import type { Limits } from './limits-row.js';
import { modelBudgetRates } from './model-budgets.js';

/** The fields with a rate per model, and the member of `model_max_budget` that means the same. */
const IN_BUDGETS = { model_rpm_limit: 'rpm_limit', model_tpm_limit: 'tpm_limit' } as const;

interface RowWithRates extends Pick<Limits, 'modelMaxBudget'> {
  readonly extra: Record<string, unknown> | null;
}

/** Returns the requests or tokens per minute of a row by model: the lower one where both places set it. */
export function modelRates(
  { extra, modelMaxBudget }: Readonly<RowWithRates>,
  field: keyof typeof IN_BUDGETS,
): ReadonlyMap<string, number> {
  const own = Object.entries((extra?.[field] ?? {}) as Record<string, unknown>).flatMap(([model, sent]) => {
    const most = laxInteger(sent);
    return typeof most === 'number' ? [[model, most] as const] : [];
  });
  const rates = new Map<string, number>();
  for (const [model, most] of [...own, ...modelBudgetRates(modelMaxBudget, IN_BUDGETS[field])])
    rates.set(model, Math.min(most, rates.get(model) ?? Infinity));
  return rates;
}
