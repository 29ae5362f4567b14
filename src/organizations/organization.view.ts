import { ORGANIZATION_FIELDS } from '../parties/fields/organization-fields.js';
import { ownFieldsView } from '../parties/fields/own-field.js';
import { authorshipView, budgetTableView, limitsView, withoutNulls } from '../parties/limits.view.js';
import { spendPlaceholder } from '../parties/spend-placeholders.js';
import type { TeamRow } from '../teams/teams.dto.js';
import type { OrganizationMemberRow } from './organization-members.dto.js';
import type { Organization } from '../parties/entities/organization.entity.js';
import type { OrganizationRow } from './organizations.dto.js';

/**
 * Returns an organization as LiteLLM shows it. Its limits (see `withTiers`) are in a nested table, which always has an
 * id. Limits set on the organization itself (`own`) are also at the top, where Terraform's provider reads them.
 */
export function organizationView(
  row: Readonly<Organization>,
  own: Readonly<Organization>,
  teams: TeamRow[],
  members: OrganizationMemberRow[],
): OrganizationRow {
  const budgetId = row.budgetId ?? row.id;
  const table = budgetTableView({ ...row, budgetId });
  return {
    organization_id: row.organizationId,
    organization_alias: row.organizationAlias,
    budget_id: budgetId,
    models: row.models ?? [],
    object_permission: null,
    object_permission_id: null,
    ...ownLimits(own),
    ...ownFieldsView(ORGANIZATION_FIELDS, row),
    ...row.extra,
    metadata: row.metadata ?? {},
    spend: spendPlaceholder('organization', row),
    blocked: row.blocked,
    litellm_budget_table: table && { ...table, model_max_budget: row.modelMaxBudget },
    members,
    users: null,
    teams,
    ...authorshipView(row),
  };
}

function ownLimits(row: Readonly<Organization>) {
  const { max_budget, budget_duration, tpm_limit, rpm_limit } = limitsView(row);
  return withoutNulls({ max_budget, budget_duration, tpm_limit, rpm_limit });
}
