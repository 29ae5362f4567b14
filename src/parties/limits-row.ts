import { Column } from 'typeorm';
import { AuthoredRow } from '../database/authored-row.js';
import {
  BigIntegerColumn,
  InstantColumn,
  IntegerColumn,
  JsonColumn,
  NanoUsdColumn,
} from '../database/columns.js';
import type { NanoUsd } from '../policy/money.js';

/** A further budget window beside the main one (LiteLLM `budget_limits[]`). */
export interface BudgetLimitRow {
  readonly budget_duration: string;
  /** Nano-dollars as text: JSON has no integers this large. */
  readonly max_budget_nano_usd: string;
  /** Time at which the duration was set, in epoch milliseconds. The windows are counted from here. */
  readonly anchor: number;
  /** Time at which the first duration was set, in epoch milliseconds. Earlier spending counts in no window. */
  readonly since: number;
}

/** Limits of a party or a tier: money, windows and rates. Named after LiteLLM's wire names, with units added. */
export abstract class LimitsRow extends AuthoredRow {
  /** LiteLLM `max_budget`. Null: no limit. 0 allows only free models. */
  @NanoUsdColumn({ name: 'max_budget_nano_usd', nullable: true })
  maxBudgetNanoUsd: NanoUsd | null;

  @NanoUsdColumn({ name: 'soft_budget_nano_usd', nullable: true })
  softBudgetNanoUsd: NanoUsd | null;

  /** LiteLLM `budget_duration`, e.g. `30d`. Null: `max_budget` is a lifetime budget. */
  @Column({ name: 'budget_duration', type: 'varchar', nullable: true })
  budgetDuration: string | null;

  /** Time at which `budget_duration` was set. Its windows are counted from here. */
  @InstantColumn({ name: 'budget_anchor', nullable: true })
  budgetAnchor: Date | null;

  /**
   * Time at which the first duration was set. Earlier spending counts in no window. A change of the duration keeps it.
   */
  @InstantColumn({ name: 'budget_since', nullable: true })
  budgetSince: Date | null;

  @JsonColumn({ name: 'budget_limits', nullable: true })
  budgetLimits: BudgetLimitRow[] | null;

  /** Per model: `{model: {max_budget|budget_limit, budget_duration|time_period}}`, as sent. */
  @JsonColumn({ name: 'model_max_budget', nullable: true })
  modelMaxBudget: Record<string, unknown> | null;

  @BigIntegerColumn({ name: 'tpm_limit', nullable: true })
  tpmLimit: number | null;

  @BigIntegerColumn({ name: 'rpm_limit', nullable: true })
  rpmLimit: number | null;

  @IntegerColumn({ name: 'max_parallel_requests', nullable: true })
  maxParallelRequests: number | null;
}

/** The limits without the author and times of a row. */
export type Limits = Omit<LimitsRow, keyof AuthoredRow>;

/** The limits of a row that sets none. */
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
