import type { OrganizationMemberRow } from './organization-members.dto.js';
import { NamedOrganizationMember } from '../parties/repositories/organization-member.repository.js';

/** Returns a member as LiteLLM shows it. Terraform's provider reads `role`. */
export function organizationMemberView({
  organizationId,
  userId,
  role,
  user,
  ...row
}: NamedOrganizationMember): OrganizationMemberRow {
  return {
    organization_id: organizationId,
    user_id: userId,
    user_email: user?.userEmail ?? null,
    user_role: role,
    role,
    budget_id: null,
    litellm_budget_table: null,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
