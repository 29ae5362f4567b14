import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { registerDecorator } from 'class-validator';
import { parseDuration } from '../calendar/windows.js';
import { hasBlankEnds } from '../policy/model-list.js';
import { type NanoUsd, nanoUsdFromUsd } from '../policy/money.js';

/** Enough for a thousand entries. */
const MAX_CHARS = 128 * 1024;

/** A budget for one model. */
interface ModelBudget {
  readonly limitNanoUsd: NanoUsd;
  /** Null: a lifetime budget. */
  readonly duration: string | null;
}

/**
 * Declares a DTO field with a budget per model: `{"gpt-4o": {"max_budget": 5, "budget_duration": "1d"}}`. LiteLLM's
 * older `budget_limit`, `time_period` and a bare number mean the same.
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
          validate: (value: unknown) =>
            typeof value === 'object' &&
            value !== null &&
            !Array.isArray(value) &&
            JSON.stringify(value).length <= MAX_CHARS &&
            Object.entries(value).every(
              ([model, budget]) => !hasBlankEnds(model) && modelBudget(budget) !== undefined,
            ),
          defaultMessage: () =>
            `${String(property)} must map at most 1,000 models to budgets, e.g. {"gpt-4o": {"max_budget": 5, "budget_duration": "1d"}}`,
        },
      }),
  );

/** Returns the budgets of a stored field, by model. */
export function modelBudgets(stored: Record<string, unknown> | null): ReadonlyMap<string, ModelBudget> {
  return new Map(
    Object.entries(stored ?? {}).flatMap(([model, value]) => {
      const budget = modelBudget(value);
      return budget ? [[model, budget] as const] : [];
    }),
  );
}

function modelBudget(stored: unknown): ModelBudget | undefined {
  if (typeof stored === 'number') return modelBudget({ max_budget: stored });
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) return undefined;
  const { max_budget, budget_limit, budget_duration, time_period } = stored as Record<string, unknown>;
  const limitNanoUsd = nanoUsdFromUsd(max_budget ?? budget_limit);
  const duration = budget_duration ?? time_period ?? null;
  const isDuration =
    duration === null || (typeof duration === 'string' && parseDuration(duration) !== undefined);
  return limitNanoUsd === undefined || !isDuration
    ? undefined
    : { limitNanoUsd, duration: duration as string | null };
}
