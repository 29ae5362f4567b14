import { Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull } from 'typeorm';
import { Database } from '../database/database.js';
import {
  type Principal,
  memberPermissions,
  type OrganizationRole,
  seesEverything,
  type TeamRole,
} from '../policy/principal.js';
import type { MaybePromise } from '../platform/maybe-promise.js';
import type { CallAccess } from './call-access.js';
import type { CallerSnapshot } from './callers/caller.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { OrganizationMemberRepository } from '../parties/repositories/organization-member.repository.js';

/**
 * Loads the principal of a caller: its role, teams and organizations. Reads them for every request to an admin route, so
 * that an ended membership gives no rights.
 */
@Injectable()
export class PrincipalLoader {
  constructor(
    private readonly database: Database,
    private readonly teams: TeamRepository,
    private readonly members: MemberRepository,
    private readonly organizationMembers: OrganizationMemberRepository,
  ) {}

  /**
   * Returns the principal of a request. Loads teams and organizations only if the route requires a role and the caller's
   * own role does not see everything.
   */
  of({ request, caller }: CallAccess): MaybePromise<Principal> {
    const who = this.nameOf(caller!);
    return request.route.roles === 'any' || seesEverything(who) ? who : this.load(who, caller!.names.teamId);
  }

  /** Returns the principal with name and role only. */
  nameOf({ callerId, credential, names, tokenId }: CallerSnapshot): Principal {
    return {
      id: callerId,
      role: credential.role,
      userId: names.userId,
      ...(credential.kind === 'key' && { keyHash: names.keyHash! }),
      ...(tokenId !== undefined && { tokenId }),
      ...(credential.kind === 'token' && { routes: credential.routes }),
      teams: new Map(),
      organizations: new Map(),
    };
  }

  /**
   * Returns the principal with its teams and organizations. Throws if they cannot be read, because incomplete rows would
   * give wrong rights.
   */
  load(caller: Principal, keyTeamId: string | null): Promise<Principal> {
    return this.database.read((manager) => this.in(manager, caller, keyTeamId));
  }

  /** Returns the principal with its teams and organizations, as this transaction sees the rows. */
  async in(manager: EntityManager, caller: Principal, keyTeamId: string | null): Promise<Principal> {
    const { userId } = caller;
    if (userId === null) {
      const teams = keyTeamId === null ? [] : [[keyTeamId, { as: 'user', permissions: [] }] as const];
      return { ...caller, teams: new Map<string, TeamRole>(teams) };
    }
    const organizations = await this.organizationsOf(manager, userId);
    const administered = [...organizations].filter(([, role]) => role === 'org_admin').map(([id]) => id);
    const joined = await this.teamsJoined(manager, userId);
    const above = await this.teams.in(manager).find({
      select: { id: true, teamId: true },
      where: { organizationId: In(administered), deletedAt: IsNull() },
    });
    const administeredTeams = above.map(({ teamId }) => [teamId, ABOVE] as const);
    return { ...caller, teams: new Map([...joined, ...administeredTeams]), organizations };
  }

  private async organizationsOf(
    manager: EntityManager,
    userId: string,
  ): Promise<ReadonlyMap<string, OrganizationRole>> {
    const rows = await this.organizationMembers.in(manager).findBy({ userId });
    return new Map(rows.map(({ organizationId, role }) => [organizationId, role]));
  }

  private async teamsJoined(manager: EntityManager, userId: string): Promise<[string, TeamRole][]> {
    const members = await this.members.in(manager).findBy({ userId, deletedAt: IsNull() });
    const teams = await this.teams.in(manager).find({
      select: { id: true, teamId: true, extra: true },
      where: { teamId: In(members.map(({ teamId }) => teamId)), deletedAt: IsNull() },
    });
    return teams.map(({ teamId, extra }) => {
      const { role } = members.find((member) => member.teamId === teamId)!;
      const permissions = memberPermissions((extra?.team_member_permissions as string[] | undefined) ?? []);
      return [teamId, { as: role, permissions }];
    });
  }
}

const ABOVE: TeamRole = { as: 'org_admin', permissions: [] };
