import type { BudgetLimitRow, LimitsRow } from '../parties/limits-row.js';
import type { PartyRow } from '../parties/party-row.js';
import type { PartyKind } from '../policy/facts.js';
import { compileModelList } from '../policy/model-list.js';
import { nanoUsd } from '../policy/money.js';
import type { BudgetSpec, PartySpec } from './caller.js';

type Limits = Readonly<
  Pick<LimitsRow, 'maxBudgetNanoUsd' | 'budgetDuration' | 'budgetAnchor' | 'budgetLimits'>
>;

/** What a row says about its party. `defaults`: a tier or other limits that count where the row sets no budget. */
export function partySpec(
  kind: PartyKind,
  id: string,
  row: Readonly<PartyRow>,
  defaults: Limits | null,
  { blocked, models }: { readonly blocked: boolean; readonly models: readonly string[] | null } = row,
): PartySpec {
  return {
    kind,
    id,
    scopeId: row.id,
    exists: true,
    blocked,
    models: compileModelList(models),
    budgets: budgetSpecs(row, defaults),
  };
}

/** A party that is named but not there. */
export function missingParty(kind: PartyKind, id: string): PartySpec {
  return { kind, id, scopeId: 'missing', exists: false, blocked: false, models: 'any', budgets: [] };
}

/** The limits of a row, with those of its tier where it sets no budget of its own. */
export function budgetSpecs(row: Limits, defaults: Limits | null): BudgetSpec[] {
  const own = row.maxBudgetNanoUsd !== null || row.budgetDuration !== null || !defaults ? row : defaults;
  const main: BudgetSpec = {
    limitNanoUsd: own.maxBudgetNanoUsd,
    window: own.budgetDuration === null ? null : windowOf(own.budgetDuration, own.budgetAnchor),
  };
  const further = row.budgetLimits ?? defaults?.budgetLimits ?? [];
  return [...(main.limitNanoUsd === null && !main.window ? [] : [main]), ...further.map(furtherBudget)];
}

const furtherBudget = (limit: BudgetLimitRow): BudgetSpec => ({
  limitNanoUsd: nanoUsd(BigInt(limit.max_budget_nano_usd)),
  window: windowOf(limit.budget_duration, new Date(limit.anchor)),
});

const windowOf = (duration: string, anchor: Date | null) => ({ duration, anchor: anchor ?? new Date(0) });
