import type { Config } from '../../config/config.js';
import { type DefaultLimits, withTier } from '../../parties/with-tier.js';
import { furtherWindow, mainWindow, modelWindow } from '../../parties/budget-windows.js';
import type { BudgetLimitRow, Limits } from '../../parties/limits-row.js';
import type { RateLimit } from '../../rate-limits/rate-limits.js';
import type { Scope } from '../../policy/decision.js';
import type { RateUnit } from '../../policy/rates.js';
import { modelBudgets } from '../../parties/model-budgets.js';
import { modelRates } from '../../parties/model-rates.js';
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

/** The configs last built from a row. */
interface RowConfigs {
  readonly defaults: DefaultLimits | null;
  inTeam?: PartyConfig;
  /** Set only if the row's list of models has another meaning without a team. */
  alone?: PartyConfig;
}

/** The last configs of each row. All keys of a team share the config of its row. */
const configs = new WeakMap<Readonly<PartyRow>, RowConfigs>();

/**
 * Returns the config of a party from its row. `defaults`: limits of a tier, or others, that fill the limits the row leaves
 * open. `hasTeam`: the party is behind a key or token of a team.
 */
export function partyConfigOf(
  kind: PartyKind,
  id: string,
  row: Readonly<PartyRow>,
  defaults: DefaultLimits | null,
  hasTeam: boolean,
): PartyConfig {
  let last = configs.get(row);
  if (last?.defaults !== defaults || !last) {
    last = { defaults };
    configs.set(row, last);
  }
  const variant = hasTeam || !dependsOnTeam(modelEntries(row), kind === 'user') ? 'inTeam' : 'alone';
  return (last[variant] ??= buildConfig(kind, id, row, defaults, variant === 'inTeam'));
}

function buildConfig(
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
    budgets: budgetConfigs(limits, temporaryIncrease(row)),
    modelBudgets: modelBudgetConfigs(limits),
    rates: rateLimits({ kind, id }, limits),
    rules: rulesOf(kind, row),
  };
}

/** Returns the config of a party that a row names but that does not exist. */
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

/** Returns the config of the proxy as a whole. Its budget limits every call. */
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

/** Returns the party of a token, with the models that the token allows. */
export const tokenParty = (id: string, models: ModelList): PartyConfig => ({
  ...missingParty('token', id),
  exists: true,
  models,
});

/** Returns the budgets of a party. */
function budgetConfigs(limits: Readonly<Limits>, increase: TemporaryIncrease | undefined): BudgetConfig[] {
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

/**
 * Returns the rate limits of a party: requests and tokens per minute, in total and per model, and calls at the same time.
 */
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
  const perModel = (unit: RateUnit, field: 'model_rpm_limit' | 'model_tpm_limit') =>
    [...modelRates(row, field)].flatMap(([model, most]) => limit(unit, most, model));
  return [
    ...limit('requests', row.rpmLimit),
    ...limit('tokens', row.tpmLimit),
    ...limit('running', row.maxParallelRequests),
    ...perModel('requests', 'model_rpm_limit'),
    ...perModel('tokens', 'model_tpm_limit'),
  ];
}

const NO_MODEL_BUDGETS: ReadonlyMap<string, BudgetConfig> = new Map();

function modelBudgetConfigs({ modelMaxBudget }: Readonly<Limits>): ReadonlyMap<string, BudgetConfig> {
  if (!modelMaxBudget) return NO_MODEL_BUDGETS;
  return new Map(
    Array.from(modelBudgets(modelMaxBudget), ([model, { limitNanoUsd, duration }]) => [
      model,
      { limitNanoUsd, window: modelWindow(duration) },
    ]),
  );
}
