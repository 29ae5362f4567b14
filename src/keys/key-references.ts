import { BadRequestException, NotFoundException } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { requireBudget } from '../budgets/budgets.service.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { missingText } from '../policy/checks/parties-exist.js';
import { lockParents } from '../parties/lock-parents.js';
import { Team } from '../parties/entities/team.entity.js';
import type { KeyFieldsDto } from './keys.dto.js';
import type { VirtualKey } from '../parties/entities/virtual-key.entity.js';

/** Inside a transaction, before a key is looked at: whom its body names stays until the end. */
export const lockReferences = (tx: EntityManager, { team_id, organization_id, user_id }: KeyFieldsDto) =>
  lockParents(tx, { organizations: [organization_id], teams: [team_id], users: [user_id] });

/** Inside a transaction: the team, organization and tier a key names are there. 404 names the first that is not. */
export async function requireReferences(
  tx: EntityManager,
  { team_id, organization_id, budget_id }: KeyFieldsDto,
): Promise<void> {
  if (team_id && !(await tx.existsBy(Team, { teamId: team_id, deletedAt: IsNull() })))
    throw missing('team', team_id);
  if (
    organization_id &&
    !(await tx.existsBy(Organization, { organizationId: organization_id, deletedAt: IsNull() }))
  ) {
    throw missing('organization', organization_id);
  }
  await requireBudget(tx, budget_id);
}

/** A key of a team is of the team's organization: a different one would let it out of the team's limits. 400. */
export async function requireOneOrganization(
  tx: EntityManager,
  { teamId, organizationId }: VirtualKey,
): Promise<void> {
  if (teamId === null || organizationId === null) return;
  const team = await tx.findOneBy(Team, { teamId });
  if (!team?.organizationId || team.organizationId === organizationId) return;
  throw new BadRequestException({
    message: `Team=${teamId} belongs to organization_id=${team.organizationId}; its keys cannot belong to another`,
    param: 'organization_id',
  });
}

const missing = (kind: 'team' | 'organization', id: string) =>
  new NotFoundException({ message: missingText({ kind, id }), param: `${kind}_id` });
