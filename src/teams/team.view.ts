import type { Limits } from '../parties/limits-row.js';
import { withTier } from '../parties/with-tier.js';
import { ownFieldsView } from '../parties/fields/own-field.js';
import { TEAM_FIELDS } from '../parties/fields/team-fields.js';
import { authorshipView, budgetTableView, limitsView } from '../parties/limits.view.js';
import { spendPlaceholder, tierPlaceholder } from '../parties/spend-placeholders.js';
import type { Member } from '../parties/entities/team-member.entity.js';
import { type TeamMemberDefaults, teamMemberDefaults } from './team-member-defaults.js';
import type { Team } from '../parties/entities/team.entity.js';
import type { TeamMembership, TeamRow } from './teams.dto.js';

/** A member and the address of its user. */
export interface MemberWithEmail {
  readonly member: Member;
  readonly userEmail: string | null;
}

/** Returns a team as LiteLLM shows it. */
export function teamView(row: Readonly<Team>, members: readonly MemberWithEmail[]): TeamRow {
  const {
    team_member_budget_anchor: _,
    team_member_budget_since: __,
    ...extra
  } = (row.extra ?? {}) as TeamMemberDefaults & Record<string, unknown>;
  return {
    team_id: row.teamId,
    team_alias: row.teamAlias,
    organization_id: row.organizationId,
    admins: [],
    members: [],
    members_with_roles: members.map(({ member, userEmail }) => ({
      user_id: member.userId,
      user_email: userEmail,
      role: member.role,
    })),
    models: row.models ?? [],
    ...extra,
    metadata: row.metadata ?? {},
    spend: spendPlaceholder('team', row),
    ...limitsView(row),
    ...ownFieldsView(TEAM_FIELDS, row),
    blocked: row.blocked,
    budget_id: row.budgetId,
    litellm_budget_table: tierPlaceholder(row),
    ...(row.modelAliases && { model_aliases: row.modelAliases }),
    litellm_model_table: row.modelAliases && {
      model_aliases: row.modelAliases,
      created_by: row.createdBy,
      updated_by: row.updatedBy,
    },
    ...authorshipView(row),
  };
}

/** Returns a membership with its limits: its own, else its tier's, or without a tier the team's defaults. */
export function membershipView(
  member: Readonly<Member>,
  team: Readonly<Team>,
  tier?: Readonly<Limits>,
): TeamMembership {
  const { userId, teamId, ...row } = withTier(member, tier ?? teamMemberDefaults(team));
  return {
    user_id: userId,
    team_id: teamId,
    budget_id: row.budgetId,
    spend: spendPlaceholder('member', row),
    litellm_budget_table: budgetTableView(row),
  };
}
