import type { UserRow } from '../parties/user-row.dto.js';
import { BadRequestException, ForbiddenException, Injectable } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import type { EntityManager } from 'typeorm';
import { cacheKey } from '../cache/change-epochs.js';
import { secretsOf } from '../parties/entities/virtual-key.entity.js';
import { MemberRepository, pairOf, memberCacheKeys } from '../parties/repositories/member.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { applyLimits } from '../parties/apply-limits.js';
import { toUsd } from '../parties/usd.js';
import { type Principal, isProxyAdmin, maySeeTeam } from '../policy/principal.js';
import { Traced } from '../tracing/traced.js';
import { UserDefaults } from '../parties/user-defaults.js';
import type { NewUserTeamDto } from './teams.dto.js';
import { Member } from '../parties/entities/team-member.entity.js';
import { TeamDelegation } from './team-delegation.js';
import type { Team } from '../parties/entities/team.entity.js';
import { membershipView, teamView } from './team.view.js';
import type {
  AddedTeamMembers,
  AddMembersDto,
  MemberDto,
  MemberOfTeamDto,
  TeamRow,
  UpdatedMember,
  UpdateMemberDto,
} from './teams.dto.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { PartyLocks } from '../parties/party-locks.js';
import { userView } from '../parties/user.view.js';

/** Adds, changes and removes the members of teams. */
@Injectable()
export class TeamMembersService {
  constructor(
    private readonly newUsers: UserDefaults,
    private readonly delegation: TeamDelegation,
    private readonly teams: TeamRepository,
    private readonly members: MemberRepository,
    private readonly users: UserRepository,
    private readonly keys: KeyRepository,
    private readonly locks: PartyLocks,
  ) {}

  /** Returns the membership of a user in a team, cached; null if there is none. */
  @Traced('get_team_membership')
  get(teamId: string, userId: string): Promise<Readonly<Member> | null> {
    return this.members.get(pairOf(teamId, userId));
  }

  /**
   * Adds a user to a team, unless the user is a member. Must run inside a transaction. Throws 404 if the team does not
   * exist.
   */
  async join(
    tx: EntityManager,
    { team_id, user_role, max_budget_in_team }: NewUserTeamDto,
    userId: string,
    by: string,
  ): Promise<void> {
    const member = { role: user_role ?? 'user', user_id: userId } as const;
    await this.joinAs(tx, team_id, member, by, { max_budget_in_team: max_budget_in_team ?? null });
  }

  /** Does the same for any member. Returns the row of a new member. */
  async joinAs(
    tx: EntityManager,
    teamId: string,
    member: MemberDto,
    by: string,
    limits: Partial<AddMembersDto> = {},
  ): Promise<Member | undefined> {
    await this.teams.findForUpdateOrFail(tx, teamId);
    const [joined] = await this.addMember(tx, teamId, member, by, limits);
    return joined;
  }

  /** Adds a user to a team, if both exist. */
  async ensure(teamId: string, userId: string, by: string): Promise<void> {
    if (await this.get(teamId, userId)) return;
    if (!(await this.teams.get(teamId)) || !(await this.users.get(userId))) return;
    await this.members.getOrCreate(
      pairOf(teamId, userId),
      (tx) => this.join(tx, { team_id: teamId }, userId, by),
      [cacheKey.team(teamId), cacheKey.membership(teamId, userId), cacheKey.user(userId)],
    );
  }

  /** Adds members. Skips users who are members; throws 400 if all are. */
  async add(dto: AddMembersDto, caller: Principal): Promise<AddedTeamMembers> {
    const { response } = await this.members.write(
      async (tx) => {
        if (!this.joinsAvailableTeam(dto, caller)) this.requireAdmin(dto.team_id, caller);
        const team = await this.teams.findForUpdateOrFail(tx, dto.team_id);
        await this.delegation.requireVisible(tx, dto.member, caller);
        await this.locks.lockParents(tx, { users: dto.member.map(({ user_id }) => user_id) });
        const joined: Member[] = [];
        for (const member of dto.member) {
          joined.push(...(await this.addMember(tx, dto.team_id, member, caller.id, dto)));
        }
        for (const member of isProxyAdmin(caller) ? [] : joined) {
          await this.delegation.requireMemberWithin(tx, member, undefined, team, caller);
        }
        if (!joined.length) throw alreadyInTeam(dto.member.length);
        const userIds = joined.map(({ userId }) => userId);
        const view = {
          ...teamView(team, await this.members.inTeam(tx, dto.team_id)),
          updated_users: await this.userRows(tx, userIds),
          updated_team_memberships: joined.map((member) => membershipView(member, team)),
        };
        return { added: joined, response: view };
      },
      (result) => [cacheKey.team(dto.team_id), ...result.added.flatMap(memberCacheKeys)],
    );
    return response;
  }

  /** Changes a member. Throws 400 if the team or the member does not exist, as LiteLLM does. */
  async update(dto: UpdateMemberDto, caller: Principal): Promise<UpdatedMember> {
    const { member, email } = await this.members.write(
      async (tx) => {
        const { team, userId, userEmail } = await this.memberNamed(tx, dto, caller);
        const before = await this.members.findOrFail(tx, pairOf(dto.team_id, userId));
        const row = await this.members.update(tx, pairOf(dto.team_id, userId), caller.id, (live, now) => {
          applyLimits(live, limitsIn(dto), now);
          if (dto.allowed_models !== undefined) live.models = dto.allowed_models;
          if (dto.role) live.role = dto.role;
        });
        if (!isProxyAdmin(caller)) await this.delegation.requireMemberWithin(tx, row, before, team, caller);
        return { member: row, email: userEmail };
      },
      (result) => [this.members.cacheKeyOf(result.member)],
    );
    return {
      user_id: member.userId,
      user_email: email,
      team_id: member.teamId,
      max_budget_in_team: toUsd(member.maxBudgetNanoUsd),
      budget_duration: member.budgetDuration,
      tpm_limit: member.tpmLimit,
      rpm_limit: member.rpmLimit,
      allowed_models: member.models ?? [],
    };
  }

  /** Removes a member, and the keys that it has in this team. */
  async delete(dto: MemberOfTeamDto, caller: Principal): Promise<TeamRow> {
    const { team, members } = await this.members.write(
      async (tx) => {
        const { team: row, userId } = await this.memberNamed(tx, dto, caller);
        const theirs = { teamId: dto.team_id, userId };
        const keys = await this.keys.softDeleteWhere(tx, theirs, caller.id);
        await this.members.softDeleteWhere(tx, theirs, caller.id);
        return { team: row, keys, userId, members: await this.members.inTeam(tx, dto.team_id) };
      },
      ({ keys, userId }) => [
        cacheKey.team(dto.team_id),
        cacheKey.membership(dto.team_id, userId),
        ...keys.flatMap(secretsOf),
      ],
    );
    return teamView(team, members);
  }

  /** Throws if the caller does not administer the team. Every user sees an available team. */
  private requireAdmin(teamId: string, caller: Principal): void {
    if (!maySeeTeam(caller, teamId) && this.newUsers.availableTeams.includes(teamId)) throw onlyForOneself();
    this.delegation.requireAdmin(caller, teamId);
  }

  /** Tells whether the caller adds only itself, without limits, to a team that every user may join. */
  private joinsAvailableTeam({ team_id, member, ...rest }: AddMembersDto, caller: Principal): boolean {
    const isCaller = ({ user_id, user_email, role }: MemberDto) =>
      user_id === caller.userId && !user_email && role === 'user';
    const hasNoLimits =
      rest.max_budget_in_team == null && rest.budget_duration == null && rest.allowed_models == null;
    return this.newUsers.availableTeams.includes(team_id) && member.every(isCaller) && hasNoLimits;
  }

  /** Adds a member. Returns an empty list if the user is a member. Must run inside a transaction. */
  async addMember(
    tx: EntityManager,
    teamId: string,
    dto: MemberDto,
    by: string,
    { allowed_models = null, ...limits }: Partial<AddMembersDto> = {},
  ): Promise<Member[]> {
    const pair = pairOf(teamId, await this.userOf(tx, dto, by));
    if (await this.members.find(tx, pair)) return [];
    return [
      await this.members.create(tx, pair, by, (member, now) => {
        member.role = dto.role;
        applyLimits(member, limitsIn(limits), now);
        member.models = allowed_models;
      }),
    ];
  }

  /** Returns the id of the user that a member names by id or address. Creates the user if it does not exist. */
  private async userOf(tx: EntityManager, { user_id, user_email }: MemberDto, by: string): Promise<string> {
    if (!user_id && !user_email)
      throw new BadRequestException({ message: 'A member needs a user_id or a user_email', param: 'member' });
    return this.users.ensureNamed(tx, { user_id, user_email }, by, this.newUsers.apply);
  }

  private async userRows(tx: EntityManager, userIds: readonly string[]): Promise<UserRow[]> {
    const teamIds = await this.members.teamIdsOf(tx, userIds);
    const users = await this.users.findByIds(tx, userIds);
    return users.map((user) => userView(user, teamIds.get(user.userId) ?? []));
  }

  private async memberNamed(
    tx: EntityManager,
    { team_id, user_id, user_email }: MemberOfTeamDto,
    caller: Principal,
  ): Promise<{ team: Team; userId: string; userEmail: string | null }> {
    if (!maySeeTeam(caller, team_id) || !(await this.teams.find(tx, team_id))) {
      // LiteLLM's status.
      throw new MissingRowException(
        { message: `Team id=${team_id} does not exist in db`, param: 'team_id' },
        400,
      );
    }
    this.delegation.requireAdmin(caller, team_id);
    const team = await this.teams.findForUpdateOrFail(tx, team_id);
    const userId = user_id || (user_email ? (await this.users.withEmail(tx, user_email))?.userId : undefined);
    if (userId === undefined || !(await this.members.find(tx, pairOf(team_id, userId)))) {
      throw new BadRequestException({
        message: 'User not found in team',
        param: user_id ? 'user_id' : 'user_email',
      });
    }
    const user = await this.users.in(tx).findOneBy({ userId });
    return { team, userId, userEmail: user?.userEmail ?? null };
  }
}

const onlyForOneself = () =>
  new ForbiddenException({
    message:
      'Users join this team by themselves, as role user and without limits. Only its admins may do more',
    param: 'member',
  });

/** Returns the limits of a member under the names of every party. */
const limitsIn = ({
  max_budget_in_team,
  budget_duration,
  tpm_limit,
  rpm_limit,
}: Partial<Pick<UpdateMemberDto, 'max_budget_in_team' | 'budget_duration' | 'tpm_limit' | 'rpm_limit'>>) => ({
  ...(max_budget_in_team !== undefined && { max_budget: max_budget_in_team }),
  ...(budget_duration !== undefined && { budget_duration }),
  ...(tpm_limit !== undefined && { tpm_limit }),
  ...(rpm_limit !== undefined && { rpm_limit }),
});

const alreadyInTeam = (count: number) =>
  new BadRequestException({
    message: count > 1 ? 'All users are already in team.' : 'User already in team.',
    type: 'team_member_already_in_team',
    param: 'member',
  });
