import { type EntityManager, In } from 'typeorm';
import { User } from '../parties/entities/user.entity.js';
import { OrganizationMember } from '../parties/entities/organization-member.entity.js';
import type { OrganizationMemberRow } from './organization-members.dto.js';

type NamedMember = OrganizationMember & { readonly user?: User | null };

/** Who is in these organizations, in the order they came. */
export function membersOf(
  manager: EntityManager,
  organizationIds: readonly string[],
): Promise<NamedMember[]> {
  return manager
    .createQueryBuilder(OrganizationMember, 'm')
    .leftJoinAndMapOne('m.user', User, 'u', 'u.userId = m.userId')
    .where({ organizationId: In(organizationIds) })
    .orderBy('m.createdAt')
    .addOrderBy('m.userId')
    .getMany();
}

/** A member as LiteLLM tells it. `role` is where Terraform looks. */
export function organizationMemberView({
  organizationId,
  userId,
  role,
  user,
  ...row
}: NamedMember): OrganizationMemberRow {
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
