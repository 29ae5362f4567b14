import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull } from 'typeorm';
import { CLOCK, type Clock } from '../platform/clock.js';
import { Database } from '../database/database.js';
import { containsText } from '../database/contains-text.js';
import { pageInfo } from '../http/page-info.dto.js';
import { MAX_PAGE_SIZE, paginate } from '../http/pagination.js';
import { sqlOrder } from '../http/sort-order.js';
import { keyView } from '../keys/key.view.js';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { type Principal, maySeeKey, maySeeTeam, seesEverything } from '../policy/principal.js';
import { UserDefaults } from '../parties/user-defaults.js';
import { Team } from '../parties/entities/team.entity.js';
import { membershipView, teamView } from './team.view.js';
import type { TeamListQuery, TeamPage, TeamPageQuery, TeamRow, TeamWithKeys } from './teams.dto.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';

/** LiteLLM's `organization_id` of teams without an organization. */
const NO_ORGANIZATION = 'default_organization';

/** Lists and searches teams. */
@Injectable()
export class TeamLists {
  constructor(
    private readonly database: Database,
    private readonly newUsers: UserDefaults,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly teams: TeamRepository,
    private readonly members: MemberRepository,
    private readonly keys: KeyRepository,
    private readonly budgets: BudgetRepository,
  ) {}

  /** Lists the caller's teams by name. Teams without a name come last. */
  async list(
    { user_id, organization_id, ...page }: TeamListQuery,
    caller: Principal,
  ): Promise<TeamWithKeys[]> {
    return this.database.read(async (manager) => {
      const ofUser = user_id === undefined ? undefined : await this.teamIdsFor(manager, user_id, caller);
      const teams = await this.teams.findListed(manager, {
        where: {
          deletedAt: IsNull(),
          ...(organization_id !== undefined && {
            organizationId: organization_id === NO_ORGANIZATION ? IsNull() : organization_id,
          }),
          ...(!seesEverything(caller) && { teamId: In([...caller.teams.keys()]) }),
          ...(ofUser && { teamId: In(ofUser.filter((id) => maySeeTeam(caller, id))) }),
        },
        order: { teamAlias: { direction: 'ASC', nulls: 'LAST' }, id: 'ASC' },
        ...paginate(page),
      });
      return this.rows(manager, teams, caller);
    });
  }

  /**
   * Searches, sorts and pages the caller's teams. `status: deleted` lists deleted teams, for callers who see
   * everything.
   */
  async page(query: TeamPageQuery, caller: Principal): Promise<TeamPage> {
    const { user_id, organization_id, team_id, team_alias, search, status } = query;
    const { page = 1, page_size = 10, sort_by = 'team_alias', sort_order = 'asc' } = query;
    return this.database.read(async (manager) => {
      const select = this.teams.selectListed(manager, 't');
      if (status === 'deleted' && seesEverything(caller)) select.where('t.deletedAt IS NOT NULL');
      else select.where('t.deletedAt IS NULL');
      if (!seesEverything(caller)) select.andWhere({ teamId: In([...caller.teams.keys()]) });
      if (user_id !== undefined)
        select.andWhere({ teamId: In(await this.teamIdsFor(manager, user_id, caller)) });
      if (organization_id === NO_ORGANIZATION) select.andWhere('t.organizationId IS NULL');
      else if (organization_id !== undefined) select.andWhere({ organizationId: organization_id });
      if (team_id !== undefined) select.andWhere({ teamId: team_id });
      if (team_alias !== undefined) select.andWhere(...containsText('t.teamAlias', team_alias));
      if (search !== undefined) {
        const [alias, part] = containsText('t.teamAlias', search);
        select.andWhere(`(${alias} OR t.teamId = :search)`, { ...part, search });
      }
      const [teams, total] = await select
        .orderBy(`t.${COLUMN[sort_by]}`, sqlOrder(sort_order), 'NULLS LAST')
        .addOrderBy('t.id')
        .take(page_size)
        .skip((page - 1) * page_size)
        .getManyAndCount();
      await this.teams.withContent(manager, teams);
      const memberLists = await this.members.inTeams(
        manager,
        teams.map(({ teamId }) => teamId),
      );
      const keys = await this.keyCounts(manager, teams);
      return {
        teams: teams.map((team) => ({
          ...teamView(team, memberLists.get(team.teamId)!),
          members_count: memberLists.get(team.teamId)!.length,
          keys_count: keys.get(team.teamId) ?? 0,
        })),
        ...pageInfo(total, { page, page_size }),
      };
    });
  }

  /** Lists by name the teams that the caller may join without an admin and has not joined. */
  async available(caller: Principal): Promise<TeamRow[]> {
    const teamIds = this.newUsers.availableTeams.filter((id) => !caller.teams.has(id));
    return this.database.read(async (manager) => {
      const teams = await this.teams.findListed(manager, {
        where: { teamId: In(teamIds), deletedAt: IsNull() },
        order: { teamAlias: 'ASC', id: 'ASC' },
      });
      return teams.map((team) => teamView(team, []));
    });
  }

  /**
   * Returns teams as lists show them: with their members, and those of the newest keys that work and that the caller
   * may see.
   */
  async rows(manager: EntityManager, teams: readonly Team[], caller: Principal): Promise<TeamWithKeys[]> {
    const now = this.clock();
    const teamIds = teams.map(({ teamId }) => teamId);
    const memberLists = await this.members.inTeams(manager, teamIds);
    const keys = await this.keys.findListed(manager, {
      where: { teamId: In(teamIds), deletedAt: IsNull() },
      order: { createdAt: 'DESC', id: 'DESC' },
      take: MAX_PAGE_SIZE,
    });
    const visibleKeys = new Map<string, VirtualKey[]>(teamIds.map((teamId) => [teamId, []]));
    for (const key of keys) {
      if ((!key.expiresAt || key.expiresAt > now) && maySeeKey(caller, key))
        visibleKeys.get(key.teamId!)!.push(key);
    }
    const members = [...memberLists.values()].flat().map(({ member }) => member);
    const tiers = await this.budgets.tiersOf(manager, members);
    return teams.map((team) => ({
      ...teamView(team, memberLists.get(team.teamId)!),
      keys: visibleKeys.get(team.teamId)!.map(keyView),
      team_memberships: memberLists
        .get(team.teamId)!
        .map(({ member }) => membershipView(member, team, tiers.get(member.budgetId ?? ''))),
    }));
  }

  private async keyCounts(manager: EntityManager, teams: readonly Team[]): Promise<Map<string, number>> {
    const counts = await this.keys
      .in(manager)
      .createQueryBuilder('k')
      .select('k.teamId', 'teamId')
      .addSelect('COUNT(*)', 'count')
      .where({ teamId: In(teams.map(({ teamId }) => teamId)), deletedAt: IsNull() })
      .groupBy('k.teamId')
      .getRawMany<{ teamId: string; count: string | bigint }>();
    return new Map(counts.map(({ teamId, count }) => [teamId, Number(count)]));
  }

  /**
   * Returns the teams of a user. For an organization admin who asks for their own, these are also all teams of the
   * organization, as in LiteLLM.
   */
  private async teamIdsFor(manager: EntityManager, userId: string, caller: Principal): Promise<string[]> {
    const joined = (await this.members.teamIdsOf(manager, [userId])).get(userId) ?? [];
    const ofOrganizations =
      userId === caller.userId ? [...caller.teams].filter(([, { as }]) => as === 'org_admin') : [];
    return [...new Set([...joined, ...ofOrganizations.map(([teamId]) => teamId)])];
  }
}

const COLUMN: Record<NonNullable<TeamPageQuery['sort_by']>, keyof Team> = {
  team_id: 'teamId',
  team_alias: 'teamAlias',
  created_at: 'createdAt',
};
