import { type DefaultLimits, withTier } from '../budgets/with-tier.js';
import { furtherWindow, mainWindow, modelWindow } from '../parties/budget-windows.js';
import type { BudgetLimitRow, Limits } from '../parties/limits-row.js';
import type { RateLimit } from '../limits/rate-limits.js';
import type { Scope } from '../policy/decision.js';
import type { RateUnit } from '../policy/rates.js';
import { modelBudgets } from '../parties/model-budgets.js';
import { modelEntries } from '../parties/model-entries.js';
import { type TemporaryIncrease, temporaryIncrease } from '../parties/temporary-increase.js';
import type { PartyRow } from '../parties/party-row.js';
import type { PartyKind } from '../policy/facts.js';
import { compileModelList, type ModelList } from '../policy/model-list.js';
import { nanoUsd } from '../policy/money.js';
import type { BudgetSpec, PartySpec } from './caller.js';

/** What a row says about its party. `defaults`: a tier or other limits that count where the row leaves its own open. */
export function partySpec(
  kind: PartyKind,
  id: string,
  row: Readonly<PartyRow>,
  defaults: DefaultLimits | null,
): PartySpec {
  const limits = withTier(row, defaults);
  return {
    kind,
    id,
    scopeId: row.id,
    exists: true,
    blocked: row.blocked,
    models: compileModelList(modelEntries(row)),
    budgets: budgetSpecs(limits, temporaryIncrease(row)),
    modelBudgets: modelBudgetSpecs(limits),
    rates: rateLimits({ kind, id }, limits),
  };
}

/** A party that is named but not there. */
export function missingParty(kind: PartyKind, id: string): PartySpec {
  return {
    kind,
    id,
    scopeId: 'missing',
    exists: false,
    blocked: false,
    models: 'any',
    budgets: [],
    modelBudgets: new Map(),
    rates: [],
  };
}

/** What a token limits by itself. */
export const tokenParty = (id: string, models: ModelList): PartySpec => ({
  ...missingParty('token', id),
  exists: true,
  models,
});

/** What limits a party's spending. */
function budgetSpecs(limits: Readonly<Limits>, increase: TemporaryIncrease | undefined): BudgetSpec[] {
  const { maxBudgetNanoUsd, softBudgetNanoUsd, budgetLimits } = limits;
  const main: BudgetSpec = {
    limitNanoUsd: maxBudgetNanoUsd,
    window: mainWindow(limits),
    ...(increase && { increase }),
    softLimitNanoUsd: softBudgetNanoUsd,
  };
  return [
    ...(main.limitNanoUsd === null && softBudgetNanoUsd === null && !main.window ? [] : [main]),
    ...(budgetLimits ?? []).map(furtherBudget),
  ];
}

const furtherBudget = (limit: BudgetLimitRow): BudgetSpec => ({
  limitNanoUsd: nanoUsd(BigInt(limit.max_budget_nano_usd)),
  window: furtherWindow(limit),
});

/** What limits a party's calls per minute, tokens per minute, and calls at the same time; all of them, and per model. */
function rateLimits(scope: Scope, row: Readonly<PartyRow>): RateLimit[] {
  const limit = (unit: RateUnit, most: number | null, model?: string): RateLimit[] =>
    most === null
      ? []
      : [
          {
            key: `${scope.kind}/${row.id}/${unit}/${model ?? ''}`,
            scope,
            unit,
            limit: most,
            ...(model !== undefined && { model }),
          },
        ];
  const perModel = (unit: RateUnit, limits: unknown) =>
    Object.entries((limits ?? {}) as Record<string, unknown>).flatMap(([model, most]) =>
      limit(unit, typeof most === 'number' ? most : null, model),
    );
  return [
    ...limit('requests', row.rpmLimit),
    ...limit('tokens', row.tpmLimit),
    ...limit('running', row.maxParallelRequests),
    ...perModel('requests', row.extra?.model_rpm_limit),
    ...perModel('tokens', row.extra?.model_tpm_limit),
  ];
}

function modelBudgetSpecs({ modelMaxBudget }: Readonly<Limits>): ReadonlyMap<string, BudgetSpec> {
  return new Map(
    Array.from(modelBudgets(modelMaxBudget), ([model, { limitNanoUsd, duration }]) => [
      model,
      { limitNanoUsd, window: modelWindow(duration) },
    ]),
  );
}
