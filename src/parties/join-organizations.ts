import { NotFoundException } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { madeBy } from '../database/authored-row.js';
import { missingText } from '../policy/checks/parties-exist.js';
import type { User } from './entities/user.entity.js';
import { OrganizationMember } from './entities/organization-member.entity.js';
import { Organization } from './entities/organization.entity.js';

/**
 * Makes a new user an ordinary member of these organizations. Must run inside a transaction. Throws 404 if an
 * organization does not exist.
 */
export async function joinOrganizations(
  tx: EntityManager,
  organizationIds: readonly string[],
  { userId, createdAt, createdBy }: User,
): Promise<void> {
  for (const organizationId of new Set(organizationIds)) {
    if (!(await tx.existsBy(Organization, { organizationId, deletedAt: IsNull() })))
      throw new NotFoundException({
        message: missingText({ kind: 'organization', id: organizationId }),
        param: 'organizations',
      });
    const authorship = madeBy(createdBy, createdAt);
    await tx.insert(OrganizationMember, { organizationId, userId, role: 'internal_user', ...authorship });
  }
}
