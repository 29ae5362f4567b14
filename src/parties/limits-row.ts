import { Column } from 'typeorm';
import { AuthoredRow } from '../database/authored-row.js';
import { InstantColumn, IntegerColumn, JsonColumn, NanoUsdColumn } from '../database/columns.js';
import type { NanoUsd } from '../policy/money.js';

/** A budget window of its own beside the main one (LiteLLM `budget_limits[]`). */
export interface BudgetLimitRow {
  readonly budget_duration: string;
  /** Nano-dollars as text: JSON has no integers this large. */
  readonly max_budget_nano_usd: string;
  /** When the duration was set, epoch milliseconds: the windows are counted from here. */
  readonly anchor: number;
  /** What was spent before does not count in a window: when the first duration was set, epoch milliseconds. */
  readonly since: number;
}

/** What limits a party or a tier: money, windows and rates. Wire names of LiteLLM; here with units. */
export abstract class LimitsRow extends AuthoredRow {
  /** LiteLLM `max_budget`. Null: no limit. 0 allows only free models. */
  @NanoUsdColumn({ name: 'max_budget_nano_usd', nullable: true })
  maxBudgetNanoUsd: NanoUsd | null;

  @NanoUsdColumn({ name: 'soft_budget_nano_usd', nullable: true })
  softBudgetNanoUsd: NanoUsd | null;

  /** LiteLLM `budget_duration`, e.g. `30d`. Null: `max_budget` is for ever. */
  @Column({ name: 'budget_duration', type: 'varchar', nullable: true })
  budgetDuration: string | null;

  /** When `budget_duration` was set: its windows are counted from here. */
  @InstantColumn({ name: 'budget_anchor', nullable: true })
  budgetAnchor: Date | null;

  /** Spending before does not count in a window: when the first of the durations was set. Changing one keeps it. */
  @InstantColumn({ name: 'budget_since', nullable: true })
  budgetSince: Date | null;

  @JsonColumn({ name: 'budget_limits', nullable: true })
  budgetLimits: BudgetLimitRow[] | null;

  /** Per model: `{model: {max_budget|budget_limit, budget_duration|time_period}}`, as sent. */
  @JsonColumn({ name: 'model_max_budget', nullable: true })
  modelMaxBudget: Record<string, unknown> | null;

  @IntegerColumn({ name: 'tpm_limit', nullable: true })
  tpmLimit: number | null;

  @IntegerColumn({ name: 'rpm_limit', nullable: true })
  rpmLimit: number | null;

  @IntegerColumn({ name: 'max_parallel_requests', nullable: true })
  maxParallelRequests: number | null;
}

/** The limits alone. */
export type Limits = Omit<LimitsRow, keyof AuthoredRow>;

/** What a row without any limit says. */
export const UNLIMITED: Readonly<Limits> = {
  maxBudgetNanoUsd: null,
  softBudgetNanoUsd: null,
  budgetDuration: null,
  budgetAnchor: null,
  budgetSince: null,
  budgetLimits: null,
  modelMaxBudget: null,
  tpmLimit: null,
  rpmLimit: null,
  maxParallelRequests: null,
};
