import { secondsIn } from '../calendar/windows.js';
import type { Allowance, ComparedField, Entitlements } from '../policy/entitlements.js';
import { compileModelList, type ListPlace, saysEveryModel } from '../policy/model-list.js';
import { nanoUsd, type NanoUsd } from '../policy/money.js';
import { compileKeyRoutes } from '../policy/routes.js';
import { ALL_FIELDS } from './fields/all-fields.js';
import { comparisonOf, type Field } from './fields/field.js';
import type { Limits } from './limits-row.js';
import { modelBudgets } from './model-budgets.js';
import { modelRates } from './model-rates.js';
import { modelEntries } from './model-entries.js';
import { tagsOf } from './tags-of.js';

/** A row with limits that its holder may pass on. The limits of its tier are filled in (`withTier`). */
type EntitledRow = Readonly<Limits> & {
  readonly models: string[] | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly extra: Record<string, unknown> | null;
  readonly allowedRoutes?: readonly string[] | null;
  readonly expiresAt?: Date | null;
};

/**
 * Returns the entitlements of a party with this row. A temporary increase cannot be passed on. `place` defaults to a
 * team's.
 */
export function entitlementsOf(row: EntitledRow, place?: ListPlace): Entitlements {
  const { maxBudgetNanoUsd, budgetDuration, budgetLimits } = row;
  const main =
    maxBudgetNanoUsd === null
      ? []
      : [allowance(maxBudgetNanoUsd, budgetDuration, row.budgetSince?.getTime())];
  const further = (budgetLimits ?? []).map((limit) =>
    allowance(nanoUsd(BigInt(limit.max_budget_nano_usd)), limit.budget_duration, limit.since),
  );
  return {
    budgets: [...main, ...further],
    modelBudgets: new Map(
      [...modelBudgets(row.modelMaxBudget)].map(([model, { limitNanoUsd, duration }]) => [
        model,
        allowance(limitNanoUsd, duration),
      ]),
    ),
    caps: new Map([
      ...rowCaps(row),
      ...modelCaps(row, 'model_rpm_limit'),
      ...modelCaps(row, 'model_tpm_limit'),
    ]),
    models: compileModelList(modelEntries(row), place),
    saysEveryModel: saysEveryModel(row.models),
    routes: compileKeyRoutes(row.allowedRoutes),
    tags: new Set(tagsOf(row)),
    until: row.expiresAt?.getTime() ?? Infinity,
    fields: comparedFields(row),
  };
}

/** The fields that are compared by themselves, of every resource that has entitlements. */
const COMPARED = Object.entries<Field>({ ...ALL_FIELDS.key, ...ALL_FIELDS.team, ...ALL_FIELDS.user }).flatMap(
  ([name, { column, passedOn }]) => {
    const isWithin = comparisonOf(passedOn);
    return column !== null && isWithin ? [{ name, column, isWithin }] : [];
  },
);

const comparedFields = (row: object): ReadonlyMap<string, ComparedField> =>
  new Map(
    COMPARED.flatMap(({ name, column, isWithin }) => {
      const value = (row as Record<string, unknown>)[column];
      return value === null || value === undefined
        ? []
        : [[name, { value, covers: (asked: unknown) => isWithin(asked, value) }]];
    }),
  );

const allowance = (limitNanoUsd: NanoUsd, duration: string | null, since = 0): Allowance => ({
  limitNanoUsd,
  seconds: duration === null ? null : secondsIn(duration),
  since,
});

function rowCaps(row: EntitledRow): [string, bigint][] {
  const caps = {
    soft_budget: row.softBudgetNanoUsd,
    tpm_limit: row.tpmLimit,
    rpm_limit: row.rpmLimit,
    max_parallel_requests: row.maxParallelRequests,
  };
  return Object.entries(caps).flatMap(([name, most]) => (most === null ? [] : [[name, BigInt(most)]]));
}

const modelCaps = (row: EntitledRow, name: 'model_rpm_limit' | 'model_tpm_limit'): [string, bigint][] =>
  Array.from(modelRates(row, name), ([model, most]) => [`${name}.${model}`, BigInt(Math.floor(most))]);
