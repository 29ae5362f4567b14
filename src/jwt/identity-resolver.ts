import { Inject, Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { TeamMembersService } from '../teams/team-members.service.js';
import { TeamsService } from '../teams/teams.service.js';
import { UsersService } from '../users/users.service.js';
import type { UnknownSubject, TokenSubject } from './claims.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';

/** Ids of the parties that a token stands for. An id without a row leads to a refusal that names it. */
export interface Owners {
  readonly userId: string | null;
  readonly teamId: string | null;
  readonly organizationId: string | null;
}

/** `created_by` of rows that are created because a token names them. */
const BY = 'jwt';

/** Finds the rows that a token's claims name, and creates those that the configuration allows. */
@Injectable()
export class IdentityResolver {
  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'jwt'>,
    private readonly database: Database,
    private readonly users: UsersService,
    private readonly teams: TeamsService,
    private readonly teamMembers: TeamMembersService,
    private readonly userRepository: UserRepository,
    private readonly teamRepository: TeamRepository,
    private readonly organizationRepository: OrganizationRepository,
  ) {}

  /**
   * Returns the owners of a token. `asked`: the id or alias of the team to act for, which must be one of the token's.
   * Concurrent requests end with one row each.
   */
  async find(holder: TokenSubject, asked: string | undefined): Promise<Owners | UnknownSubject> {
    const teamId = await this.teamId(holder, asked);
    if (typeof teamId === 'object') return teamId;
    const organizationId = await this.organizationId(holder);
    if (typeof organizationId === 'object') return organizationId;
    const { teamIdUpsert, upsertUserToTeam } = this.config.jwt!;
    const userId = await this.userId(holder);
    if (teamId !== undefined && teamIdUpsert) await this.teams.getOrCreate(teamId, BY);
    if (teamId !== undefined && userId !== null && upsertUserToTeam)
      await this.teamMembers.ensure(teamId, userId, BY);
    return { userId, teamId: teamId ?? null, organizationId: organizationId ?? null };
  }

  private async teamId(
    { role, teamIds, teamAlias }: TokenSubject,
    asked: string | undefined,
  ): Promise<string | undefined | UnknownSubject> {
    if (role === 'proxy_admin') return undefined;
    const own = teamAlias === undefined ? teamIds : [await this.teamIdWithAlias(teamAlias)];
    if (teamAlias !== undefined && own[0] === undefined)
      return tokenNotAllowed(
        `Team doesn't exist in db. Team alias=${teamAlias}. Create team via \`/team/new\` call.`,
      );
    if (asked === undefined || asked === teamAlias) return own[0];
    if (own.includes(asked)) return asked;
    const byAlias = await this.teamIdWithAlias(asked);
    if (byAlias !== undefined && own.includes(byAlias)) return byAlias;
    return tokenNotAllowed(`Team=${asked} of x-litellm-team-id is not one of the token's teams.`);
  }

  private async organizationId({
    organizationId,
    organizationAlias,
  }: TokenSubject): Promise<string | undefined | UnknownSubject> {
    if (organizationId !== undefined || organizationAlias === undefined) return organizationId;
    const found = await this.database.read((manager) =>
      this.organizationRepository
        .in(manager)
        .find({ where: { organizationAlias, deletedAt: IsNull() }, take: 2 }),
    );
    if (found.length === 1) return found[0]!.organizationId;
    return tokenNotAllowed(`Organization doesn't exist in db. Organization alias=${organizationAlias}. Create organization via \`/organization/new\` call.`); // prettier-ignore
  }

  /** Returns the user's id. Searches by id, then by login id, then by address in any letter case. */
  private async userId({ role, userId, userEmail }: TokenSubject): Promise<string | null> {
    if (userId === undefined) return null;
    if (await this.users.get(userId)) return userId;
    const known = await this.database.read(
      async (manager) =>
        (await this.userRepository.in(manager).findOneBy({ ssoUserId: userId, deletedAt: IsNull() })) ??
        (userEmail === undefined ? null : await this.userRepository.withEmail(manager, userEmail)),
    );
    if (known) return known.userId;
    if (this.config.jwt!.userIdUpsert) return (await this.users.getOrCreate(userId, BY, userEmail)).userId;
    // An admin by scope needs no row.
    return role === 'proxy_admin' ? null : userId;
  }

  private async teamIdWithAlias(teamAlias: string): Promise<string | undefined> {
    const found = await this.database.read((manager) =>
      this.teamRepository.in(manager).find({ where: { teamAlias, deletedAt: IsNull() }, take: 2 }),
    );
    return found.length === 1 ? found[0]!.teamId : undefined;
  }
}

/** Refuses a token. An alias must belong to exactly one row. */
const tokenNotAllowed = (reason: string): UnknownSubject => ({ code: 'token_not_allowed', reason });
