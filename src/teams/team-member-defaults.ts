import type { Limits } from '../parties/limits-row.js';
import { nanoUsdFromUsd } from '../policy/money.js';
import type { Team } from '../parties/entities/team.entity.js';

/** Limits of a team for members without their own, stored in its `extra`. */
export interface TeamMemberDefaults {
  team_member_budget?: number;
  team_member_budget_duration?: string;
  team_member_rpm_limit?: number;
  team_member_tpm_limit?: number;
  /** Time at which the duration was set, in epoch milliseconds. */
  team_member_budget_anchor?: number;
  /** Time at which the first duration was set, in epoch milliseconds. */
  team_member_budget_since?: number;
}

type MemberLimits = Pick<
  Limits,
  | 'maxBudgetNanoUsd'
  | 'budgetDuration'
  | 'budgetAnchor'
  | 'budgetSince'
  | 'budgetLimits'
  | 'tpmLimit'
  | 'rpmLimit'
>;

type MemberDefaults = MemberLimits & { readonly windowOfOwnAmount: true };

/**
 * Returns the limits of a member without its own, and the window of an amount of its own; null if the team sets none.
 */
export function teamMemberDefaults(team: Readonly<Team>): MemberDefaults | null {
  const extra = (team.extra ?? {}) as TeamMemberDefaults;
  const limits: MemberLimits = {
    maxBudgetNanoUsd: nanoUsdFromUsd(extra.team_member_budget) ?? null,
    budgetDuration: extra.team_member_budget_duration ?? null,
    budgetAnchor: instantOf(extra.team_member_budget_anchor),
    budgetSince: instantOf(extra.team_member_budget_since),
    budgetLimits: null,
    tpmLimit: extra.team_member_tpm_limit ?? null,
    rpmLimit: extra.team_member_rpm_limit ?? null,
  };
  return Object.values(limits).some((limit) => limit !== null)
    ? { ...limits, windowOfOwnAmount: true }
    : null;
}

const instantOf = (ms: number | undefined) => (ms === undefined ? null : new Date(ms));
