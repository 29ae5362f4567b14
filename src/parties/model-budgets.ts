import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { registerDecorator } from 'class-validator';
import { parseDuration } from '../calendar/windows.js';
import { laxInteger, laxNumber } from '../http/lax-values.js';
import { hasBlankEnds } from '../policy/model-list.js';
import { type NanoUsd, nanoUsdFromUsd } from '../policy/money.js';
import { DURATION_REQUIREMENT } from './duration.js';
import { limitsNothing } from './not-enforced.js';
import { isRate, rateRequirement } from './rate.js';
import { USD_REQUIREMENT } from './usd.js';

/** Enough for a thousand entries. */
const MAX_CHARS = 128 * 1024;
const MEMBERS = ['max_budget', 'budget_limit', 'budget_duration', 'time_period', 'rpm_limit', 'tpm_limit'];

/** A budget for one model. */
interface ModelBudget {
  readonly limitNanoUsd: NanoUsd;
  /** Null: a lifetime budget. */
  readonly duration: string | null;
}

/** The rates that an entry may set beside its amount, or instead of one. */
export type ModelRate = 'rpm_limit' | 'tpm_limit';

/**
 * Declares a DTO field with a budget per model: `{"gpt-4o": {"max_budget": 5, "budget_duration": "1d"}}`. LiteLLM's
 * older `budget_limit`, `time_period` and a bare number mean the same. `rpm_limit` and `tpm_limit` limit rates.
 */
export const IsModelBudgets = () =>
  applyDecorators(
    ApiPropertyOptional({
      nullable: true,
      type: 'object',
      additionalProperties: true,
      example: { 'gpt-4o': { max_budget: 5, budget_duration: '1d' } },
    }),
    (target: object, property: string | symbol) =>
      registerDecorator({
        name: 'isModelBudgets',
        target: target.constructor,
        propertyName: String(property),
        validator: {
          validate: (value: unknown) => problemIn(value) === undefined,
          defaultMessage: (args) => `${String(property)}${problemIn(args?.value)}`,
        },
      }),
  );

/** Returns what is wrong with a field, as it goes on after the field's name; undefined if nothing is. */
function problemIn(value: unknown): string | undefined {
  if (!isMapping(value) || JSON.stringify(value).length > MAX_CHARS)
    return ` must map at most 1,000 models to budgets, e.g. {"gpt-4o": {"max_budget": 5, "budget_duration": "1d"}}`;
  for (const [model, entry] of Object.entries(value)) {
    const problem = hasBlankEnds(model) ? ' has blanks at the ends of its name' : problemInEntry(entry);
    if (problem) return `.${model}${problem}`;
  }
  return undefined;
}

function problemInEntry(entry: unknown): string | undefined {
  if (!isMapping(entry)) return amountOf(entry) === undefined ? ` ${USD_REQUIREMENT}` : undefined;
  const unknown = Object.keys(entry).find((name) => !MEMBERS.includes(name) && !limitsNothing(entry[name]));
  if (unknown !== undefined) return `.${unknown} has no effect: an entry has ${MEMBERS.join(', ')}`;
  const duration = durationOf(entry);
  if (duration !== null && !isDuration(duration)) return `.budget_duration ${DURATION_REQUIREMENT}`;
  const rates = RATES.filter((rate) => isSet(entry[rate]));
  const wrong = rates.find((rate) => !isRate(laxInteger(entry[rate])));
  if (wrong) return `.${wrong} ${rateRequirement()}`;
  const amount = amountIn(entry);
  if (isSet(amount)) return amountOf(amount) === undefined ? `.max_budget ${USD_REQUIREMENT}` : undefined;
  return rates.length ? undefined : ' sets no limit: it needs max_budget, rpm_limit or tpm_limit';
}

/** Returns the budgets of a stored field, by model. */
export function modelBudgets(stored: Record<string, unknown> | null): ReadonlyMap<string, ModelBudget> {
  return new Map(
    Object.entries(stored ?? {}).flatMap(([model, entry]) => {
      const [amount, duration] = isMapping(entry) ? [amountIn(entry), durationOf(entry)] : [entry, null];
      const limitNanoUsd = amountOf(amount);
      return limitNanoUsd === undefined || (duration !== null && !isDuration(duration))
        ? []
        : [[model, { limitNanoUsd, duration }] as const];
    }),
  );
}

/** Returns one rate of a stored field, by model. */
export const modelBudgetRates = (
  stored: Record<string, unknown> | null,
  rate: ModelRate,
): (readonly [model: string, most: number])[] =>
  Object.entries(stored ?? {}).flatMap(([model, entry]) => {
    const most = isMapping(entry) ? laxInteger(entry[rate]) : undefined;
    return isRate(most) ? [[model, most] as const] : [];
  });

const RATES = ['rpm_limit', 'tpm_limit'] as const satisfies readonly ModelRate[];

const amountIn = ({ max_budget, budget_limit }: Record<string, unknown>) => max_budget ?? budget_limit;
const amountOf = (amount: unknown) => nanoUsdFromUsd(laxNumber(amount));
const durationOf = ({ budget_duration, time_period }: Record<string, unknown>) =>
  budget_duration ?? time_period ?? null;

const isDuration = (duration: unknown): duration is string =>
  typeof duration === 'string' && parseDuration(duration) !== undefined;

const isSet = (value: unknown) => value !== undefined && value !== null;

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
