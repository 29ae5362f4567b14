import { BadRequestException, Injectable } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import { type EntityManager } from 'typeorm';
import { missingText } from '../policy/checks/parties-exist.js';
import type { KeyFieldsDto } from './keys.dto.js';
import type { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';
import { PartyLocks } from '../parties/party-locks.js';

/** The parties and the tier that a key names. Every method must run inside a transaction. */
@Injectable()
export class KeyReferences {
  constructor(
    private readonly teams: TeamRepository,
    private readonly organizations: OrganizationRepository,
    private readonly budgets: BudgetRepository,
    private readonly locks: PartyLocks,
  ) {}

  /** Locks the parties that a key's body names. Must run before the key is read. */
  lock(tx: EntityManager, { team_id, organization_id, user_id }: KeyFieldsDto): Promise<void> {
    return this.locks.lockParents(tx, {
      organizations: [organization_id],
      teams: [team_id],
      users: [user_id],
    });
  }

  /** Throws 404 for the first of team, organization and tier that does not exist. */
  async require(tx: EntityManager, { team_id, organization_id, budget_id }: KeyFieldsDto): Promise<void> {
    if (team_id && !(await this.teams.find(tx, team_id))) throw missing('team', team_id);
    if (organization_id && !(await this.organizations.find(tx, organization_id)))
      throw missing('organization', organization_id);
    await this.budgets.require(tx, budget_id);
  }

  /** Throws 400 if the key's team belongs to another organization. The limits of the team would not apply to such a key. */
  async requireOneOrganization(tx: EntityManager, { teamId, organizationId }: VirtualKey): Promise<void> {
    if (teamId === null || organizationId === null) return;
    const team = await this.teams.in(tx).findOneBy({ teamId });
    if (!team?.organizationId || team.organizationId === organizationId) return;
    throw new BadRequestException({
      message: `Team=${teamId} belongs to organization_id=${team.organizationId}; its keys cannot belong to another`,
      param: 'organization_id',
    });
  }
}

const missing = (kind: 'team' | 'organization', id: string) =>
  new MissingRowException({ message: missingText({ kind, id }), param: `${kind}_id` });
