import type { Limits } from '../parties/limits-row.js';
import { nanoUsdFromUsd } from '../policy/money.js';
import type { Team } from '../parties/entities/team.entity.js';

/** What a team says of members without limits of their own, kept among its extra fields. */
export interface TeamMemberDefaults {
  team_member_budget?: number;
  team_member_budget_duration?: string;
  team_member_rpm_limit?: number;
  team_member_tpm_limit?: number;
  /** When the duration was set, epoch milliseconds. */
  team_member_budget_anchor?: number;
  /** When the first duration was set, epoch milliseconds. */
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

/** The limits of a member who has none of its own, and the window of an amount of its own; null when the team sets none. */
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
