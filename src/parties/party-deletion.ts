import { Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull } from 'typeorm';
import { type CacheKey, cacheKey } from '../cache/change-epochs.js';
import type { User } from './entities/user.entity.js';
import { secretsOf } from './entities/virtual-key.entity.js';
import { KeyRepository } from './repositories/key.repository.js';
import { MemberRepository } from './repositories/member.repository.js';
import { OrganizationMemberRepository } from './repositories/organization-member.repository.js';
import { OrganizationRepository } from './repositories/organization.repository.js';
import { TeamRepository } from './repositories/team.repository.js';
import { UserRepository } from './repositories/user.repository.js';

/**
 * Deletes parties with everything that is theirs. Every method must run inside a transaction that has locked the parties, so
 * that no other puts anything on them meanwhile. Returns the cache keys to evict.
 */
@Injectable()
export class PartyDeletion {
  constructor(
    private readonly keys: KeyRepository,
    private readonly users: UserRepository,
    private readonly teams: TeamRepository,
    private readonly members: MemberRepository,
    private readonly organizations: OrganizationRepository,
    private readonly organizationMembers: OrganizationMemberRepository,
  ) {}

  /** Deletes these live users with their keys and memberships. */
  async deleteUsers(tx: EntityManager, users: readonly User[], by: string): Promise<CacheKey[]> {
    const userId = In(users.map((user) => user.userId));
    const members = await this.members.in(tx).findBy({ userId, deletedAt: IsNull() });
    const keys = await this.keys.softDeleteWhere(tx, { userId }, by);
    for (const user of users) await this.users.remove(tx, user, by);
    for (const member of members) await this.members.remove(tx, member, by);
    await this.organizationMembers.removeWhere(tx, { userId });
    return [
      ...users.map((user) => cacheKey.user(user.userId)),
      ...keys.flatMap(secretsOf),
      ...members.map((member) => cacheKey.membership(member.teamId, member.userId)),
    ];
  }

  /** Deletes these live teams with their members and keys. */
  async deleteTeams(tx: EntityManager, teamIds: readonly string[], by: string): Promise<CacheKey[]> {
    const theirs = { teamId: In(teamIds) };
    const keys = await this.keys.softDeleteWhere(tx, theirs, by);
    const members = await this.members.softDeleteWhere(tx, theirs, by);
    const teams = await this.teams.softDeleteWhere(tx, theirs, by);
    const organizations = teams.flatMap(({ organizationId }) => organizationId ?? []);
    return [
      ...teamIds.map(cacheKey.team),
      ...[...new Set(organizations)].map(cacheKey.organization),
      ...keys.flatMap(secretsOf),
      ...members.map(({ teamId, userId }) => cacheKey.membership(teamId, userId)),
    ];
  }

  /** Deletes these live organizations with their teams, keys and memberships. */
  async deleteOrganizations(
    tx: EntityManager,
    organizationIds: readonly string[],
    by: string,
  ): Promise<CacheKey[]> {
    const theirs = { organizationId: In(organizationIds) };
    const teams = await this.teams.lockedInOrder(tx, { ...theirs, deletedAt: IsNull() });
    const touched = await this.deleteTeams(
      tx,
      teams.map(({ teamId }) => teamId),
      by,
    );
    const keys = await this.keys.softDeleteWhere(tx, theirs, by);
    await this.organizations.softDeleteWhere(tx, theirs, by);
    await this.organizationMembers.removeWhere(tx, theirs);
    return [...organizationIds.map(cacheKey.organization), ...touched, ...keys.flatMap(secretsOf)];
  }
}
