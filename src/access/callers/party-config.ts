import type { Config } from '../../config/config.js';
import { type DefaultLimits, withTier } from '../../parties/with-tier.js';
import { furtherWindow, mainWindow, modelWindow } from '../../parties/budget-windows.js';
import type { BudgetLimitRow, Limits } from '../../parties/limits-row.js';
import type { RateLimit } from '../../rate-limits/rate-limits.js';
import type { Scope } from '../../policy/decision.js';
import type { RateUnit } from '../../policy/rates.js';
import { modelBudgets } from '../../parties/model-budgets.js';
import { isDeprovisioned } from '../../parties/deprovisioned.js';
import { rulesOf } from '../../parties/fields/party-rules.js';
import { modelEntries } from '../../parties/model-entries.js';
import { type TemporaryIncrease, temporaryIncrease } from '../../parties/temporary-increase.js';
import type { PartyRow } from '../../parties/party-row.js';
import type { PartyKind } from '../../policy/facts.js';
import { compileModelList, dependsOnTeam, type ModelList } from '../../policy/model-list.js';
import { nanoUsd, nanoUsdFromUsd } from '../../policy/money.js';
import { GLOBAL_ID } from '../../ledger/account.js';
import type { BudgetConfig, PartyConfig } from './caller.js';

/** What was last made of a row. */
interface Made {
  readonly defaults: DefaultLimits | null;
  inTeam?: PartyConfig;
  /** Only where the row's list of models means something else without a team. */
  alone?: PartyConfig;
}

/** Of each row the last that was made: all keys of a team share what its row says. */
const made = new WeakMap<Readonly<PartyRow>, Made>();

/**
 * What a row says about its party. `defaults`: a tier or other limits that count where the row leaves its own open.
 * `hasTeam`: it stands behind a key or token of a team.
 */
export function partyConfigOf(
  kind: PartyKind,
  id: string,
  row: Readonly<PartyRow>,
  defaults: DefaultLimits | null,
  hasTeam: boolean,
): PartyConfig {
  let last = made.get(row);
  if (last?.defaults !== defaults || !last) {
    last = { defaults };
    made.set(row, last);
  }
  const variant = hasTeam || !dependsOnTeam(modelEntries(row), kind === 'user') ? 'inTeam' : 'alone';
  return (last[variant] ??= specOf(kind, id, row, defaults, variant === 'inTeam'));
}

function specOf(
  kind: PartyKind,
  id: string,
  row: Readonly<PartyRow>,
  defaults: DefaultLimits | null,
  hasTeam: boolean,
): PartyConfig {
  const limits = withTier(row, defaults);
  return {
    kind,
    id,
    scopeId: row.id,
    exists: true,
    blocked: row.blocked || (kind === 'user' && isDeprovisioned(row)),
    models: compileModelList(modelEntries(row), { hasTeam, ofUser: kind === 'user' }),
    budgets: budgetSpecs(limits, temporaryIncrease(row)),
    modelBudgets: modelBudgetSpecs(limits),
    rates: rateLimits({ kind, id }, limits),
    rules: rulesOf(kind, row),
  };
}

/** A party that is named but not there. */
export function missingParty(kind: PartyKind, id: string): PartyConfig {
  return {
    kind,
    id,
    scopeId: 'missing',
    exists: false,
    blocked: false,
    models: 'any',
    budgets: [],
    modelBudgets: NO_MODEL_BUDGETS,
    rates: [],
  };
}

/** The proxy as a whole: its budget is everyone's last. */
export function proxyParty({ litellm }: Pick<Config, 'litellm'>): PartyConfig {
  const { maxBudgetUsd, budgetDuration } = litellm;
  const limitNanoUsd = maxBudgetUsd ? nanoUsdFromUsd(maxBudgetUsd) : undefined;
  const start = new Date(0);
  const window =
    budgetDuration === undefined ? null : { duration: budgetDuration, anchor: start, since: start };
  return {
    kind: 'global',
    id: GLOBAL_ID,
    scopeId: GLOBAL_ID,
    exists: true,
    blocked: false,
    models: 'any',
    budgets: limitNanoUsd === undefined ? [] : [{ limitNanoUsd, window }],
    modelBudgets: NO_MODEL_BUDGETS,
    rates: [],
  };
}

/** What a token limits by itself. */
export const tokenParty = (id: string, models: ModelList): PartyConfig => ({
  ...missingParty('token', id),
  exists: true,
  models,
});

/** What limits a party's spending. */
function budgetSpecs(limits: Readonly<Limits>, increase: TemporaryIncrease | undefined): BudgetConfig[] {
  const { maxBudgetNanoUsd, softBudgetNanoUsd, budgetLimits } = limits;
  const main: BudgetConfig = {
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

const furtherBudget = (limit: BudgetLimitRow): BudgetConfig => ({
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

const NO_MODEL_BUDGETS: ReadonlyMap<string, BudgetConfig> = new Map();

function modelBudgetSpecs({ modelMaxBudget }: Readonly<Limits>): ReadonlyMap<string, BudgetConfig> {
  if (!modelMaxBudget) return NO_MODEL_BUDGETS;
  return new Map(
    Array.from(modelBudgets(modelMaxBudget), ([model, { limitNanoUsd, duration }]) => [
      model,
      { limitNanoUsd, window: modelWindow(duration) },
    ]),
  );
}
