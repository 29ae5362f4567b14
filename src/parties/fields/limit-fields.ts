import type { Field, FieldEditor } from './field.js';
import { MAX_ENTRIES } from './field-templates.js';
import { inheritBudget, whenNull } from './inheritance.js';

/** Every window adds an account that every call reads. */
export const MAX_BUDGET_WINDOWS = 16;

/** The fields of every resource with limits: keys, teams, users, organizations, end users, tags, tiers. */
export const limitFields = (setBy: FieldEditor) =>
  ({
    max_budget: {
      type: 'usd',
      column: 'maxBudgetNanoUsd',
      setBy,
      limits: true,
      passedOn: {
        inherit: inheritBudget,
        comparedIn: 'budgets',
        examples: { held: 5, wider: [5.01, 1e6], within: [0, 3] },
      },
    },
    budget_duration: {
      type: 'duration',
      column: 'budgetDuration',
      setBy,
      limits: true,
      passedOn: {
        inherit: { with: 'max_budget' },
        comparedIn: 'budgets',
        examples: { held: '30d', wider: [], looser: ['1d', '29d'], within: ['60d', null] },
      },
    },
    budget_limits: {
      type: 'budgetWindows',
      column: 'budgetLimits',
      setBy,
      maxEntries: MAX_BUDGET_WINDOWS,
      limits: true,
      passedOn: {
        inherit: whenNull('budgetLimits'),
        comparedIn: 'budgets',
        examples: {
          held: [{ budget_duration: '1d', max_budget: 2 }],
          wider: [[{ budget_duration: '1d', max_budget: 2.01 }]],
          looser: [[], [{ budget_duration: '1h', max_budget: 2 }]],
        },
      },
    },
    soft_budget: {
      type: 'usd',
      column: 'softBudgetNanoUsd',
      setBy,
      limits: true,
      passedOn: {
        inherit: whenNull('softBudgetNanoUsd'),
        comparedIn: 'caps',
        examples: { held: 4, wider: [4.01] },
      },
    },
    model_max_budget: {
      type: 'modelBudgets',
      column: 'modelMaxBudget',
      setBy,
      maxEntries: MAX_ENTRIES,
      limits: true,
      passedOn: {
        inherit: whenNull('modelMaxBudget'),
        comparedIn: 'modelBudgets',
        examples: {
          held: { 'm-free': { max_budget: 1 } },
          wider: [{ 'm-free': { max_budget: 1.01 } }],
          looser: [{}, { 'm-out': 1 }],
          within: [{ 'm-free': 1, 'm-out': 1e6 }],
        },
      },
    },
    tpm_limit: {
      type: 'rate',
      column: 'tpmLimit',
      setBy,
      limits: true,
      passedOn: {
        inherit: whenNull('tpmLimit'),
        comparedIn: 'caps',
        examples: { held: 500, wider: [501] },
      },
    },
    rpm_limit: {
      type: 'rate',
      column: 'rpmLimit',
      setBy,
      limits: true,
      passedOn: { inherit: whenNull('rpmLimit'), comparedIn: 'caps', examples: { held: 5, wider: [6] } },
    },
    max_parallel_requests: {
      type: 'rate',
      column: 'maxParallelRequests',
      setBy,
      limits: true,
      passedOn: {
        inherit: whenNull('maxParallelRequests'),
        comparedIn: 'caps',
        examples: { held: 2, wider: [3] },
      },
    },
  }) as const satisfies Record<string, Field>;
