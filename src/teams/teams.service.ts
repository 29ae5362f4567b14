import { BadRequestException, ForbiddenException, Injectable, NotFoundException } from '@nestjs/common';
import { type EntityManager, In, IsNull } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { grantAccessGroups } from '../access-groups/grant-access-groups.js';
import { requireBudget } from '../budgets/budgets.service.js';
import { type CacheKey, cacheKey } from '../cache/changes.js';
import { Database } from '../database/database.js';
import { keyView } from '../keys/key.view.js';
import { MAX_PAGE_SIZE, pageOf } from '../http/page.js';
import { lockFor } from '../database/lock-for.js';
import { partOf } from '../database/part-of.js';
import { secretsOf, VirtualKey } from '../keys/virtual-key.entity.js';
import { Organization } from '../orgs/organization.entity.js';
import { applyParty } from '../parties/apply-party.js';
import { type PartyTable, PartyTables } from '../parties/party-table.js';
import { NO_MODELS } from '../parties/model-entries.js';
import { toNanoUsd, toUsd } from '../parties/usd.js';
import { MEMBER_PERMISSIONS } from '../policy/admin-rules.js';
import {
  administersTeam,
  type Authority,
  DEFAULT_MEMBER_PERMISSIONS,
  isProxyAdmin,
  maySeeKey,
  maySeeTeam,
  ownsTeam,
  seesEverything,
} from '../policy/authority.js';
import { missingText } from '../policy/checks/parties-exist.js';
import { User } from '../users/user.entity.js';
import { NewUsers } from '../users/new-users.js';
import type { NewUserTeamDto } from '../users/users.dto.js';
import { userShape } from '../users/user-shape.js';
import { Traced } from '../tracing/traced.js';
import { bury } from './bury.js';
import { Member } from './member.entity.js';
import { TeamGrants } from './team-grants.js';
import type { TeamMemberDefaults } from './team-member-defaults.js';
import { rosterOf, Rosters, userIdWithEmail, userRows } from './team-roster.js';
import { Team } from './team.entity.js';
import { membershipView, teamView } from './team.view.js';
import {
  type AddMembersDto,
  KEPT_OF_TEAMS,
  type MemberDto,
  type MemberOfTeamDto,
  type NewTeamDto,
  type TeamFieldsDto,
  type TeamListQuery,
  type TeamModelsDto,
  type TeamPage,
  type TeamPageQuery,
  type TeamPermissions,
  type UpdateMemberDto,
  UpdateTeamDto,
} from './teams.dto.js';

/** What `organization_id` says for teams without one, LiteLLM's name. */
const NO_ORGANIZATION = 'default_organization';

/** Teams and their members. */
@Injectable()
export class TeamsService {
  private readonly table: PartyTable<Team>;
  private readonly members: PartyTable<Member>;
  private readonly users: PartyTable<User>;

  constructor(
    private readonly database: Database,
    private readonly newUsers: NewUsers,
    private readonly grants: TeamGrants,
    tables: PartyTables,
  ) {
    this.users = tables.of(userShape);
    this.table = tables.of({
      entity: Team,
      kind: 'team',
      where: (teamId) => ({ teamId }),
      idOf: ({ teamId }) => teamId,
      cacheKey: cacheKey.team,
      title: 'Team',
      param: 'team_id',
    });
    this.members = tables.of({
      entity: Member,
      kind: 'member',
      where: (pair) => membershipOf(pair),
      idOf: ({ teamId, userId }) => pairOf(teamId, userId),
      cacheKey: (pair) => cacheKey.membership(membershipOf(pair).teamId, membershipOf(pair).userId),
      title: 'Team member',
      param: 'user_id',
    });
  }

  /** The live team, cached; null when there is none. (Seed: `get_team_object`.) */
  @Traced('get_team_object')
  get(teamId: string): Promise<Readonly<Team> | null> {
    return this.table.get(teamId);
  }

  /** The same, made with nothing but its id if there is none. (LiteLLM `team_id_upsert`.) */
  async getOrCreate(teamId: string, by: string): Promise<Readonly<Team>> {
    return (
      (await this.get(teamId)) ??
      this.table.write(
        (tx) => this.table.ensure(tx, teamId, by, () => {}),
        () => [cacheKey.team(teamId)],
      )
    );
  }

  /** The membership of a user in a team, cached; null when there is none. */
  @Traced('get_team_membership')
  getMember(teamId: string, userId: string): Promise<Readonly<Member> | null> {
    return this.members.get(pairOf(teamId, userId));
  }

  /** Makes a team. 409 when its id is taken, 404 when its organization or tier is not there. */
  async create(dto: NewTeamDto, caller: Authority): Promise<object> {
    if (!isProxyAdmin(caller)) this.grants.requireCreatable(dto, caller);
    const by = caller.id;
    const teamId = dto.team_id ?? uuidv7();
    const { team, named } = await this.table.write(
      async (tx) => {
        await this.grants.requireKnown(tx, dto.members_with_roles ?? [], caller);
        const made = await this.make(tx, teamId, dto, by);
        if (!isProxyAdmin(caller)) await this.grants.requireWithin(tx, made, undefined, caller);
        for (const member of dto.members_with_roles ?? []) await this.enrol(tx, teamId, member, by);
        return { team: made, named: await rosterOf(tx, teamId) };
      },
      (made) => [cacheKey.team(teamId), ...made.named.flatMap(touchedBy)],
    );
    await this.table.setSpend(team, dto.spend || null);
    return teamView(team, named);
  }

  /** A team without members, inside a transaction of somebody else's; they evict it. */
  async make(tx: EntityManager, teamId: string, dto: TeamFieldsDto, by: string): Promise<Team> {
    await this.requireNeighbours(tx, dto);
    const made = await this.table.create(tx, teamId, by, (row, now) => this.apply(row, dto, now));
    await grantAccessGroups(tx, dto, made, ['teamIds', teamId]);
    return made;
  }

  /** Changes what was sent. 404 when there is no such team, or it is not the caller's. */
  async update(dto: UpdateTeamDto, caller: Authority): Promise<{ team_id: string; data: object }> {
    return { team_id: dto.team_id, data: await this.change(dto.team_id, () => dto, caller) };
  }

  /** Lets a team call further models. A list that was open stays so: `all-proxy-models` is put before them, as LiteLLM does. */
  addModels({ team_id, models }: TeamModelsDto, caller: Authority): Promise<object> {
    const added = ({ models: before }: Team) => {
      const kept = before?.length ? before.filter((name) => name !== NO_MODELS) : ['all-proxy-models'];
      return { team_id, models: [...new Set([...kept, ...models])] };
    };
    return this.change(team_id, added, caller);
  }

  /** Takes models from a team's list. A list that loses its last entry allows nothing; one that was open stays so. */
  removeModels({ team_id, models }: TeamModelsDto, caller: Authority): Promise<object> {
    const left = ({ models: before }: Team) => {
      const kept = (before ?? []).filter((name) => !models.includes(name));
      return { team_id, models: before?.length && !kept.length ? [NO_MODELS] : kept };
    };
    return this.change(team_id, left, caller);
  }

  private async change(
    teamId: string,
    wanted: (team: Team) => Partial<UpdateTeamDto>,
    caller: Authority,
  ): Promise<object> {
    const { team, named, spend } = await this.table.write(
      async (tx) => {
        const before = await this.held(tx, teamId);
        this.requireAdmin(caller, teamId);
        const dto = Object.assign(new UpdateTeamDto(), wanted(before));
        if (!isProxyAdmin(caller)) this.grants.requireUpdatable(dto, before, caller);
        await this.requireNeighbours(tx, dto);
        const row = await this.table.update(tx, teamId, caller.id, (live, now) => this.apply(live, dto, now));
        await grantAccessGroups(tx, dto, row, ['teamIds', teamId]);
        if (!isProxyAdmin(caller)) await this.grants.requireWithin(tx, row, before, caller);
        return { team: row, named: await rosterOf(tx, teamId), spend: dto.spend };
      },
      () => [cacheKey.team(teamId)],
    );
    await this.table.setSpend(team, spend);
    return teamView(team, named);
  }

  async setBlocked(teamId: string, blocked: boolean, caller: Authority): Promise<object> {
    const { team, named } = await this.table.write(
      async (tx) => {
        this.requireOwner(caller, teamId);
        return {
          team: await this.table.update(tx, teamId, caller.id, (row) => void (row.blocked = blocked)),
          named: await rosterOf(tx, teamId),
        };
      },
      () => [cacheKey.team(teamId)],
    );
    return teamView(team, named);
  }

  /** A team with its members and newest keys (`/key/list` pages through all). 404 when there is none. */
  async info(teamId: string, caller: Authority): Promise<object> {
    return this.database.read(async (manager) => {
      const team = await this.table.findOrFail(manager, teamId);
      if (!maySeeTeam(caller, teamId)) throw this.table.missing(teamId);
      const [row] = await this.rows(manager, [team], caller);
      const { keys, team_memberships, ...team_info } = row!;
      return { team_id: teamId, team_info, keys, team_memberships };
    });
  }

  /** The caller's teams by name, those without one last. */
  async list({ user_id, organization_id, ...page }: TeamListQuery, caller: Authority): Promise<object[]> {
    return this.database.read(async (manager) => {
      const teams = await manager.find(Team, {
        where: {
          deletedAt: IsNull(),
          ...(organization_id !== undefined && {
            organizationId: organization_id === NO_ORGANIZATION ? IsNull() : organization_id,
          }),
          ...(!seesEverything(caller) && { teamId: In([...caller.teams.keys()]) }),
          ...(user_id !== undefined && {
            teamId: In((await teamIdsOf(manager, user_id)).filter((id) => maySeeTeam(caller, id))),
          }),
        },
        order: { teamAlias: { direction: 'ASC', nulls: 'LAST' }, id: 'ASC' },
        ...pageOf(page),
      });
      return this.rows(manager, teams, caller);
    });
  }

  /** The same, searched, sorted and in pages; `status: deleted` are those that are gone, for whoever sees everything. */
  async page(query: TeamPageQuery, caller: Authority): Promise<TeamPage> {
    const { user_id, organization_id, team_id, team_alias, search, status } = query;
    const { page = 1, page_size = 10, sort_by = 'team_alias', sort_order = 'asc' } = query;
    return this.database.read(async (manager) => {
      const select = manager.createQueryBuilder(Team, 't');
      if (status === 'deleted' && seesEverything(caller)) select.where('t.deletedAt IS NOT NULL');
      else select.where('t.deletedAt IS NULL');
      if (!seesEverything(caller)) select.andWhere({ teamId: In([...caller.teams.keys()]) });
      if (user_id !== undefined) select.andWhere({ teamId: In(await teamIdsOf(manager, user_id)) });
      if (organization_id === NO_ORGANIZATION) select.andWhere('t.organizationId IS NULL');
      else if (organization_id !== undefined) select.andWhere({ organizationId: organization_id });
      if (team_id !== undefined) select.andWhere({ teamId: team_id });
      if (team_alias !== undefined) select.andWhere(...partOf('t.teamAlias', team_alias));
      if (search !== undefined) {
        const [alias, part] = partOf('t.teamAlias', search);
        select.andWhere(`(${alias} OR t.teamId = :search)`, { ...part, search });
      }
      const [teams, total] = await select
        .orderBy(`t.${COLUMN[sort_by]}`, sort_order === 'asc' ? 'ASC' : 'DESC', 'NULLS LAST')
        .addOrderBy('t.id')
        .take(page_size)
        .skip((page - 1) * page_size)
        .getManyAndCount();
      const rosters = await Rosters.read(
        manager,
        teams.map(({ teamId }) => teamId),
      );
      const keys = await keyCounts(manager, teams);
      return {
        teams: teams.map((team) => ({
          ...teamView(team, rosters.of(team.teamId)),
          members_count: rosters.of(team.teamId).length,
          keys_count: keys.get(team.teamId) ?? 0,
        })),
        total,
        page,
        page_size,
        total_pages: Math.ceil(total / page_size),
      };
    });
  }

  /** Teams the caller may join by itself and is not in yet, by name. */
  async available(caller: Authority): Promise<object[]> {
    const teamIds = this.newUsers.availableTeams.filter((id) => !caller.teams.has(id));
    return this.database.read(async (manager) => {
      const teams = await manager.find(Team, {
        where: { teamId: In(teamIds), deletedAt: IsNull() },
        order: { teamAlias: 'ASC', id: 'ASC' },
      });
      return teams.map((team) => teamView(team, []));
    });
  }

  /** Does the caller only add itself to a team that is open to everyone? */
  private joinsFreely({ team_id, member, ...rest }: AddMembersDto, caller: Authority): boolean {
    const isThemself = ({ user_id, user_email, role }: MemberDto) =>
      user_id === caller.userId && !user_email && role === 'user';
    const asksForNothing = rest.max_budget_in_team == null && rest.allowed_models == null;
    return this.newUsers.availableTeams.includes(team_id) && member.every(isThemself) && asksForNothing;
  }

  /** What members may do with the team's keys. 404 when there is no such team, or it is not the caller's. */
  async permissions(teamId: string, caller: Authority): Promise<TeamPermissions> {
    const team = await this.get(teamId);
    if (!team || !maySeeTeam(caller, teamId)) throw this.table.missing(teamId);
    return {
      team_id: teamId,
      team_member_permissions: (team.extra?.team_member_permissions as string[] | undefined) ?? [
        ...DEFAULT_MEMBER_PERMISSIONS,
      ],
      all_available_permissions: [...MEMBER_PERMISSIONS],
    };
  }

  private async rows(manager: EntityManager, teams: readonly Team[], caller: Authority) {
    const teamIds = teams.map(({ teamId }) => teamId);
    const rosters = await Rosters.read(manager, teamIds);
    const keys = await manager.find(VirtualKey, {
      where: { teamId: In(teamIds), deletedAt: IsNull() },
      order: { createdAt: 'DESC', id: 'DESC' },
      take: MAX_PAGE_SIZE,
    });
    const now = this.table.now();
    const live = new Map<string, VirtualKey[]>(teamIds.map((teamId) => [teamId, []]));
    for (const key of keys) {
      if ((!key.expiresAt || key.expiresAt > now) && maySeeKey(caller, key)) live.get(key.teamId!)!.push(key);
    }
    return teams.map((team) => ({
      ...teamView(team, rosters.of(team.teamId)),
      keys: live.get(team.teamId)!.map(keyView),
      team_memberships: rosters.of(team.teamId).map(({ member }) => membershipView(member, team)),
    }));
  }

  /** Deletes teams with their members and keys, all or none. 404 names the first that is not there. */
  async delete(teamIds: readonly string[], caller: Authority): Promise<{ deleted_teams: string[] }> {
    const ids = [...new Set(teamIds)];
    await this.table.write(
      async (tx) => {
        for (const teamId of ids.toSorted()) {
          this.requireOwner(caller, teamId);
          await this.held(tx, teamId);
        }
        return this.removeAll(tx, ids, caller.id);
      },
      (touched) => touched,
    );
    return { deleted_teams: ids };
  }

  /** Inside a transaction: these live teams, their members and keys are gone. Returns what to evict. */
  async removeAll(tx: EntityManager, teamIds: readonly string[], by: string): Promise<CacheKey[]> {
    const burial = { where: { teamId: In(teamIds) }, by, now: this.table.now() };
    const keys = await bury(tx, VirtualKey, burial);
    const members = await bury(tx, Member, burial);
    await bury(tx, Team, burial);
    return [
      ...teamIds.map(cacheKey.team),
      ...keys.flatMap(secretsOf),
      ...members.map(({ teamId, userId }) => cacheKey.membership(teamId, userId)),
    ];
  }

  async removeMembers(tx: EntityManager, members: readonly Member[], by: string): Promise<void> {
    for (const member of members) await this.members.remove(tx, member, by);
  }

  /** Inside a transaction: a user joins a team, if it is not in yet. 404 when there is no such team. */
  async join(
    tx: EntityManager,
    { team_id, user_role, max_budget_in_team }: NewUserTeamDto,
    userId: string,
    by: string,
  ): Promise<void> {
    const member = { role: user_role ?? 'user', user_id: userId } as const;
    await this.enlist(tx, team_id, member, by, { max_budget_in_team: max_budget_in_team ?? null });
  }

  /** The same for any member, and the row of one who is new. */
  async enlist(
    tx: EntityManager,
    teamId: string,
    member: MemberDto,
    by: string,
    limits: Partial<AddMembersDto> = {},
  ): Promise<Member | undefined> {
    await this.held(tx, teamId);
    const [joined] = await this.enrol(tx, teamId, member, by, limits);
    return joined;
  }

  /** A user is in a team from now on, if both are there. */
  async ensureMember(teamId: string, userId: string, by: string): Promise<void> {
    if (await this.getMember(teamId, userId)) return;
    if (!(await this.get(teamId)) || !(await this.users.get(userId))) return;
    await this.members.write(
      (tx) => this.join(tx, { team_id: teamId }, userId, by),
      () => [cacheKey.team(teamId), cacheKey.membership(teamId, userId), cacheKey.user(userId)],
    );
  }

  /** Adds members; those already in are passed over, but not if all are (400). */
  async addMembers(dto: AddMembersDto, caller: Authority): Promise<object> {
    const { answer } = await this.members.write(
      async (tx) => {
        if (!this.joinsFreely(dto, caller)) this.requireAdmin(caller, dto.team_id);
        const team = await this.held(tx, dto.team_id);
        await this.grants.requireKnown(tx, dto.member, caller);
        const joined: Member[] = [];
        for (const one of dto.member) {
          joined.push(...(await this.enrol(tx, dto.team_id, one, caller.id, dto)));
        }
        for (const member of isProxyAdmin(caller) ? [] : joined) {
          await this.grants.requireMemberWithin(tx, member, undefined, team, caller);
        }
        if (!joined.length) throw alreadyInTeam(dto.member.length);
        const userIds = joined.map(({ userId }) => userId);
        const answered = {
          ...teamView(team, await rosterOf(tx, dto.team_id)),
          updated_users: await userRows(tx, userIds),
          updated_team_memberships: joined.map((member) => membershipView(member, team)),
        };
        return { added: joined, answer: answered };
      },
      (done) => [cacheKey.team(dto.team_id), ...done.added.flatMap((member) => touchedBy({ member }))],
    );
    return answer;
  }

  /** Changes a member. 400 when the team or the member is not there, as LiteLLM has it. */
  async updateMember(dto: UpdateMemberDto, caller: Authority): Promise<object> {
    const { member, email } = await this.members.write(
      async (tx) => {
        const { team, userId, userEmail } = await this.memberNamed(tx, dto, caller);
        const before = await this.members.findOrFail(tx, pairOf(dto.team_id, userId));
        const row = await this.members.update(tx, pairOf(dto.team_id, userId), caller.id, (live) => {
          if (dto.max_budget_in_team !== undefined) live.maxBudgetNanoUsd = toNanoUsd(dto.max_budget_in_team);
          if (dto.allowed_models !== undefined) live.models = dto.allowed_models;
          if (dto.tpm_limit !== undefined) live.tpmLimit = dto.tpm_limit;
          if (dto.rpm_limit !== undefined) live.rpmLimit = dto.rpm_limit;
          if (dto.role) live.role = dto.role;
        });
        if (!isProxyAdmin(caller)) await this.grants.requireMemberWithin(tx, row, before, team, caller);
        return { member: row, email: userEmail };
      },
      (done) => [this.members.cacheKeyOf(done.member)],
    );
    return {
      user_id: member.userId,
      user_email: email,
      team_id: member.teamId,
      max_budget_in_team: toUsd(member.maxBudgetNanoUsd),
      tpm_limit: member.tpmLimit,
      rpm_limit: member.rpmLimit,
      allowed_models: member.models ?? [],
    };
  }

  /** A member leaves; the keys it had in this team leave with it. */
  async deleteMember(dto: MemberOfTeamDto, caller: Authority): Promise<object> {
    const { team, named } = await this.members.write(
      async (tx) => {
        const { team: row, userId } = await this.memberNamed(tx, dto, caller);
        const burial = { where: { teamId: dto.team_id, userId }, by: caller.id, now: this.table.now() };
        await bury(tx, Member, burial);
        const keys = await bury(tx, VirtualKey, burial);
        return { team: row, keys, userId, named: await rosterOf(tx, dto.team_id) };
      },
      ({ keys, userId }) => [
        cacheKey.team(dto.team_id),
        cacheKey.membership(dto.team_id, userId),
        ...keys.flatMap(secretsOf),
      ],
    );
    return teamView(team, named);
  }

  /** For its own admins and those above. 404 where it does not concern the caller, 403 for its members. */
  private requireAdmin(caller: Authority, teamId: string): void {
    if (!maySeeTeam(caller, teamId)) throw this.table.missing(teamId);
    if (!administersTeam(caller, teamId)) throw onlyFor('admins', teamId);
  }

  /** For admins of its organization and those above. */
  private requireOwner(caller: Authority, teamId: string): void {
    if (!maySeeTeam(caller, teamId)) throw this.table.missing(teamId);
    if (!ownsTeam(caller, teamId)) throw onlyFor('organization’s admins', teamId);
  }

  /** The live team, held against other changes of its roster until this transaction ends. 404 when there is none. */
  private async held(tx: EntityManager, teamId: string): Promise<Team> {
    await tx.findOne(Team, { where: { teamId }, ...lockFor(tx) });
    return this.table.findOrFail(tx, teamId);
  }

  /** The new member; none when the user is in the team already. */
  private async enrol(
    tx: EntityManager,
    teamId: string,
    named: MemberDto,
    by: string,
    { max_budget_in_team = null, allowed_models = null }: Partial<AddMembersDto> = {},
  ): Promise<Member[]> {
    const pair = pairOf(teamId, await this.userOf(tx, named, by));
    if (await this.members.find(tx, pair)) return [];
    return [
      await this.members.create(tx, pair, by, (member) => {
        member.role = named.role;
        member.maxBudgetNanoUsd = toNanoUsd(max_budget_in_team);
        member.models = allowed_models;
      }),
    ];
  }

  /** The user a member names by id or address; made if there is none. */
  private async userOf(tx: EntityManager, { user_id, user_email }: MemberDto, by: string): Promise<string> {
    if (!user_id && !user_email)
      throw new BadRequestException({ message: 'A member needs a user_id or a user_email', param: 'member' });
    const known = user_email ? await userIdWithEmail(tx, user_email) : undefined;
    if (!user_id && known !== undefined) return known;
    const user = await this.users.ensure(tx, user_id || uuidv7(), by, (made, now) => {
      this.newUsers.fill(made, now);
      if (known === undefined) made.userEmail = user_email ?? null;
    });
    return user.userId;
  }

  private async memberNamed(
    tx: EntityManager,
    { team_id, user_id, user_email }: MemberOfTeamDto,
    caller: Authority,
  ): Promise<{ team: Team; userId: string; userEmail: string | null }> {
    if (!maySeeTeam(caller, team_id) || !(await this.table.find(tx, team_id))) {
      throw new BadRequestException({ message: `Team id=${team_id} does not exist in db`, param: 'team_id' });
    }
    this.requireAdmin(caller, team_id);
    const team = await this.held(tx, team_id);
    const userId = user_id || (user_email ? await userIdWithEmail(tx, user_email) : undefined);
    if (userId === undefined || !(await this.members.find(tx, pairOf(team_id, userId)))) {
      throw new BadRequestException({
        message: 'User not found in team',
        param: user_id ? 'user_id' : 'user_email',
      });
    }
    const user = await tx.findOneBy(User, { userId });
    return { team, userId, userEmail: user?.userEmail ?? null };
  }

  private async requireNeighbours(
    tx: EntityManager,
    { organization_id, budget_id }: TeamFieldsDto,
  ): Promise<void> {
    await requireBudget(tx, budget_id);
    if (
      !organization_id ||
      (await tx.existsBy(Organization, { organizationId: organization_id, deletedAt: IsNull() }))
    )
      return;
    throw new NotFoundException({
      message: missingText({ kind: 'organization', id: organization_id }),
      param: 'organization_id',
    });
  }

  private apply(row: Team, dto: TeamFieldsDto, now: Date): void {
    applyParty(row, dto, KEPT_OF_TEAMS, now);
    if (dto.team_alias !== undefined) row.teamAlias = dto.team_alias;
    if (dto.organization_id !== undefined) row.organizationId = dto.organization_id || null;
    if (dto.model_aliases !== undefined) row.modelAliases = dto.model_aliases;
    applyMemberDefaults(row, dto, now);
  }
}

const DEFAULTS = [
  'team_member_budget',
  'team_member_budget_duration',
  'team_member_rpm_limit',
  'team_member_tpm_limit',
] as const;

function applyMemberDefaults(row: Team, dto: TeamFieldsDto, now: Date): void {
  const extra: TeamMemberDefaults & Record<string, unknown> = { ...row.extra };
  const durationBefore = extra.team_member_budget_duration;
  for (const field of DEFAULTS) {
    if (dto[field] === null) delete extra[field];
    else if (dto[field] !== undefined) (extra as Record<string, unknown>)[field] = dto[field];
  }
  if (extra.team_member_budget_duration === undefined) {
    delete extra.team_member_budget_anchor;
    delete extra.team_member_budget_since;
  } else if (extra.team_member_budget_duration !== durationBefore) {
    extra.team_member_budget_anchor = now.getTime();
    extra.team_member_budget_since ??= now.getTime();
  }
  row.extra = Object.keys(extra).length ? extra : null;
}

const pairOf = (teamId: string, userId: string) => JSON.stringify([teamId, userId]);

function membershipOf(pair: string): { teamId: string; userId: string } {
  const [teamId, userId] = JSON.parse(pair) as [string, string];
  return { teamId, userId };
}

const touchedBy = ({ member: { teamId, userId } }: { readonly member: Member }) => [
  cacheKey.membership(teamId, userId),
  cacheKey.user(userId),
];

const onlyFor = (whom: string, teamId: string) =>
  new ForbiddenException({ message: `Only the ${whom} of Team=${teamId} may do this`, param: 'team_id' });

const alreadyInTeam = (asked: number) =>
  new BadRequestException({
    message: asked > 1 ? 'All users are already in team.' : 'User already in team.',
    type: 'team_member_already_in_team',
    param: 'member',
  });

const COLUMN: Record<NonNullable<TeamPageQuery['sort_by']>, keyof Team> = {
  team_id: 'teamId',
  team_alias: 'teamAlias',
  created_at: 'createdAt',
};

async function keyCounts(manager: EntityManager, teams: readonly Team[]): Promise<Map<string, number>> {
  const counts = await manager
    .createQueryBuilder(VirtualKey, 'k')
    .select('k.teamId', 'teamId')
    .addSelect('COUNT(*)', 'count')
    .where({ teamId: In(teams.map(({ teamId }) => teamId)), deletedAt: IsNull() })
    .groupBy('k.teamId')
    .getRawMany<{ teamId: string; count: string | bigint }>();
  return new Map(counts.map(({ teamId, count }) => [teamId, Number(count)]));
}

async function teamIdsOf(manager: EntityManager, userId: string): Promise<string[]> {
  const members = await manager.findBy(Member, { userId, deletedAt: IsNull() });
  return members.map(({ teamId }) => teamId);
}
