import { Injectable } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { OrganizationRepository } from './repositories/organization.repository.js';
import { TeamRepository } from './repositories/team.repository.js';
import { UserRepository } from './repositories/user.repository.js';

/** The ids that a body names. Absent values, empty texts and other types are ignored. */
interface NamedParents {
  readonly organizations?: readonly unknown[];
  readonly teams?: readonly unknown[];
  readonly users?: readonly unknown[];
}

/**
 * Locks parties of several kinds in one order: access groups, organizations, teams, users, keys, memberships; within a kind
 * by `id`. Every transaction that locks parties keeps to it, so no two wait for each other. Tiers may be locked at any
 * point. A transaction that names a tier shares its lock, and one that changes a tier locks no party.
 */
@Injectable()
export class PartyLocks {
  constructor(
    private readonly organizations: OrganizationRepository,
    private readonly teams: TeamRepository,
    private readonly users: UserRepository,
  ) {}

  /**
   * Locks these rows until the transaction ends: no other transaction deletes or changes them, or adds anything to them.
   * Must run inside a transaction, before it reads anything in them. The caller checks afterwards whether they exist.
   *
   * The locks are exclusive. PostgreSQL grants a shared lock ahead of a waiting writer, so members who keep creating keys
   * of a team would keep its admin waiting.
   */
  async lockParents(
    tx: EntityManager,
    { organizations = [], teams = [], users = [] }: NamedParents,
  ): Promise<void> {
    const [ofOrganizations, ofTeams, ofUsers] = [organizations, teams, users].map(texts);
    if (ofOrganizations!.length)
      await this.organizations.lockLive(tx, { organizationId: In(ofOrganizations!) });
    if (ofTeams!.length) await this.teams.lockLive(tx, { teamId: In(ofTeams!) });
    if (ofUsers!.length) await this.users.lockLive(tx, { userId: In(ofUsers!) });
  }
}

const texts = (ids: readonly unknown[]) => ids.filter((id) => typeof id === 'string' && id !== '');
