import { Inject, Injectable } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import { type EntityManager, In, IsNull } from 'typeorm';
import { haveSameWindows } from '../calendar/windows.js';
import { newId } from '../platform/new-id.js';
import { cacheKey } from '../cache/change-epochs.js';
import { Database } from '../database/database.js';
import { TEAM_FIELDS } from '../parties/fields/team-fields.js';
import { applyParty } from '../parties/apply-party.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { NO_MODELS } from '../parties/model-entries.js';
import { MEMBER_PERMISSIONS } from '../policy/admin-rules.js';
import { type Principal, isProxyAdmin, maySeeTeam } from '../policy/principal.js';
import { missingText } from '../policy/checks/parties-exist.js';
import { Traced } from '../tracing/traced.js';
import { TeamDelegation } from './team-delegation.js';
import { CONFIG, type Config } from '../config/config.js';
import { withTeamDefaults } from './team-defaults.js';
import type { TeamMemberDefaults } from './team-member-defaults.js';
import { TeamLists } from './team-lists.js';
import { TeamMembersService } from './team-members.service.js';
import { Team } from '../parties/entities/team.entity.js';
import { teamView } from './team.view.js';
import {
  type DeletedTeams,
  type NewTeamDto,
  type TeamFieldsDto,
  type TeamInfo,
  type TeamModelsDto,
  type TeamPermissions,
  type TeamRow,
  type UpdatedTeam,
  UpdateTeamDto,
} from './teams.dto.js';
import { MemberRepository, memberCacheKeys } from '../parties/repositories/member.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';
import { AccessGroupRepository } from '../parties/repositories/access-group.repository.js';
import { PartyLocks } from '../parties/party-locks.js';
import { PartyDeletion } from '../parties/party-deletion.js';

/** Creates, changes, lists and deletes teams. */
@Injectable()
export class TeamsService {
  constructor(
    private readonly database: Database,
    private readonly teamMembers: TeamMembersService,
    private readonly delegation: TeamDelegation,
    private readonly teams: TeamRepository,
    private readonly lists: TeamLists,
    private readonly members: MemberRepository,
    private readonly organizations: OrganizationRepository,
    private readonly budgets: BudgetRepository,
    private readonly accessGroups: AccessGroupRepository,
    private readonly locks: PartyLocks,
    private readonly deletion: PartyDeletion,
    @Inject(CONFIG) private readonly config: { readonly litellm: Pick<Config['litellm'], 'newTeams'> },
  ) {}

  /** Returns the live team, cached; null if there is none. (LiteLLM `get_team_object`.) */
  @Traced('get_team_object')
  get(teamId: string): Promise<Readonly<Team> | null> {
    return this.teams.get(teamId);
  }

  /** Returns the live team. Creates it with its id and the defaults of new teams if there is none. (LiteLLM `team_id_upsert`.) */
  getOrCreate(teamId: string, by: string): Promise<Readonly<Team>> {
    return this.teams.getOrCreate(teamId, (tx) =>
      this.teams.ensure(tx, teamId, by, (row, now) => this.fill(row, {}, now)),
    );
  }

  /** Creates a team. Throws 409 if its id exists, and 404 if its organization or tier does not exist. */
  async create(dto: NewTeamDto, caller: Principal): Promise<TeamRow> {
    if (!isProxyAdmin(caller)) this.delegation.requireCreatable(dto, caller);
    const by = caller.id;
    const teamId = dto.team_id ?? newId();
    const { team, members } = await this.teams.write(
      async (tx) => {
        await this.delegation.requireVisible(tx, dto.members_with_roles ?? [], caller);
        const created = await this.make(tx, teamId, dto, by, (row, now) => this.fill(row, dto, now));
        await this.locks.lockParents(tx, {
          users: (dto.members_with_roles ?? []).map(({ user_id }) => user_id),
        });
        if (!isProxyAdmin(caller)) await this.delegation.requireWithin(tx, created, undefined, caller);
        for (const member of dto.members_with_roles ?? [])
          await this.teamMembers.addMember(tx, teamId, member, by);
        await this.teams.setSpend(tx, created, dto.spend || null);
        return { team: created, members: await this.members.inTeam(tx, teamId) };
      },
      (created) => [
        cacheKey.team(teamId),
        ...created.members.flatMap(({ member }) => memberCacheKeys(member)),
      ],
    );
    return teamView(team, members);
  }

  /** Creates a team without members. Must run inside a transaction. The caller evicts it. */
  async make(
    tx: EntityManager,
    teamId: string,
    dto: TeamFieldsDto,
    by: string,
    fill = (row: Team, now: Date) => this.apply(row, dto, now),
  ): Promise<Team> {
    await this.accessGroups.lockNamed(tx, dto);
    await this.locks.lockParents(tx, { organizations: [dto.organization_id] });
    await this.requireReferences(tx, dto);
    const team = await this.teams.create(tx, teamId, by, fill);
    await this.accessGroups.assign(tx, dto, team, ['teamIds', teamId]);
    return team;
  }

  /** Changes a team. Throws `MissingRowException` if the caller may not see it. */
  async update(dto: UpdateTeamDto, caller: Principal): Promise<UpdatedTeam> {
    return { team_id: dto.team_id, data: await this.change(dto.team_id, () => dto, caller, dto) };
  }

  /** Adds models to a team's list. An unrestricted list stays so: `all-proxy-models` is put first, as LiteLLM does. */
  addModels({ team_id, models }: TeamModelsDto, caller: Principal): Promise<TeamRow> {
    const withModels = ({ models: before }: Team) => {
      const remaining = before?.length ? before.filter((name) => name !== NO_MODELS) : ['all-proxy-models'];
      return { team_id, models: [...new Set([...remaining, ...models])] };
    };
    return this.change(team_id, withModels, caller);
  }

  /** Takes models from a team's list. A list that loses its last entry allows nothing; an unrestricted one stays so. */
  removeModels({ team_id, models }: TeamModelsDto, caller: Principal): Promise<TeamRow> {
    const withoutModels = ({ models: before }: Team) => {
      const remaining = (before ?? []).filter((name) => !models.includes(name));
      return { team_id, models: before?.length && !remaining.length ? [NO_MODELS] : remaining };
    };
    return this.change(team_id, withoutModels, caller);
  }

  private async change(
    teamId: string,
    bodyFor: (team: Team) => Partial<UpdateTeamDto>,
    caller: Principal,
    /** The part of the body that names access groups and an organization. */
    sent: Pick<TeamFieldsDto, 'organization_id'> = {},
  ): Promise<TeamRow> {
    const { team, members } = await this.teams.write(
      async (tx) => {
        await this.accessGroups.lockNamed(tx, sent);
        await this.locks.lockParents(tx, { organizations: [sent.organization_id] });
        const before = await this.teams.findForUpdateOrFail(tx, teamId);
        this.delegation.requireAdmin(caller, teamId);
        const dto = Object.assign(new UpdateTeamDto(), bodyFor(before));
        if (!isProxyAdmin(caller)) this.delegation.requireUpdatable(dto, before, caller);
        await this.requireReferences(tx, dto);
        const row = await this.teams.update(tx, teamId, caller.id, (live, now) => this.apply(live, dto, now));
        await this.accessGroups.assign(tx, dto, row, ['teamIds', teamId]);
        if (!isProxyAdmin(caller)) await this.delegation.requireWithin(tx, row, before, caller);
        await this.teams.setSpend(tx, row, dto.spend);
        return {
          team: row,
          members: await this.members.inTeam(tx, teamId),
          previousOrganizationId: before.organizationId,
        };
      },
      // Admins of an organization have rights in its teams. A team that leaves changes those rights, so the
      // organization is evicted.
      ({ team: { organizationId }, previousOrganizationId }) => [
        cacheKey.team(teamId),
        ...(previousOrganizationId === null || previousOrganizationId === organizationId
          ? []
          : [cacheKey.organization(previousOrganizationId)]),
      ],
    );
    return teamView(team, members);
  }

  async setBlocked(teamId: string, blocked: boolean, caller: Principal): Promise<TeamRow> {
    const { team, members } = await this.teams.write(
      async (tx) => {
        this.delegation.requireOrganizationAdmin(caller, teamId);
        return {
          team: await this.teams.update(tx, teamId, caller.id, (row) => void (row.blocked = blocked)),
          members: await this.members.inTeam(tx, teamId),
        };
      },
      () => [cacheKey.team(teamId)],
    );
    return teamView(team, members);
  }

  /**
   * Returns a team with its members and newest keys (`/key/list` pages through all). Throws
   * `MissingRowException` if the caller may not see it.
   */
  async info(teamId: string, caller: Principal): Promise<TeamInfo> {
    return this.database.read(async (manager) => {
      const team = await this.teams.findOrFail(manager, teamId);
      if (!maySeeTeam(caller, teamId)) throw this.teams.notFound(teamId);
      const [row] = await this.lists.rows(manager, [team], caller);
      const { keys, team_memberships, ...team_info } = row!;
      return { team_id: teamId, team_info, keys, team_memberships };
    });
  }

  /**
   * Returns what the team permits its members to do with its keys; an empty list is the default. Throws
   * `MissingRowException` if the caller may not see it.
   */
  async permissions(teamId: string, caller: Principal): Promise<TeamPermissions> {
    const team = await this.get(teamId);
    if (!team || !maySeeTeam(caller, teamId)) throw this.teams.notFound(teamId);
    return {
      team_id: teamId,
      team_member_permissions: (team.extra?.team_member_permissions as string[] | undefined) ?? [],
      all_available_permissions: [...MEMBER_PERMISSIONS],
    };
  }

  /** Deletes teams with their members and keys, all or none. Throws 404 naming the first that does not exist. */
  async delete(teamIds: readonly string[], caller: Principal): Promise<DeletedTeams> {
    const ids = [...new Set(teamIds)];
    await this.teams.write(
      async (tx) => {
        await this.teams.lockedInOrder(tx, { teamId: In(ids) });
        for (const teamId of ids.toSorted()) {
          this.delegation.requireOrganizationAdmin(caller, teamId);
          await this.teams.findForUpdateOrFail(tx, teamId);
        }
        return this.deletion.deleteTeams(tx, ids, caller.id);
      },
      (cacheKeys) => cacheKeys,
    );
    return { deleted_teams: ids };
  }

  private async requireReferences(
    tx: EntityManager,
    { organization_id, budget_id }: TeamFieldsDto,
  ): Promise<void> {
    await this.budgets.require(tx, budget_id);
    if (
      !organization_id ||
      (await this.organizations.in(tx).existsBy({ organizationId: organization_id, deletedAt: IsNull() }))
    )
      return;
    throw new MissingRowException({
      message: missingText({ kind: 'organization', id: organization_id }),
      param: 'organization_id',
    });
  }

  /** Fills a new team, with the defaults of new teams. */
  private fill(row: Team, dto: TeamFieldsDto, now: Date): void {
    const { newTeams } = this.config.litellm;
    this.apply(row, withTeamDefaults(dto, newTeams), now);
    if (newTeams.team_member_permissions)
      row.extra = { ...row.extra, team_member_permissions: newTeams.team_member_permissions };
  }

  private apply(row: Team, dto: TeamFieldsDto, now: Date): void {
    applyParty(row, dto, TEAM_FIELDS, now);
    if (dto.team_alias !== undefined) row.teamAlias = dto.team_alias;
    if (dto.organization_id !== undefined) row.organizationId = dto.organization_id || null;
    if (dto.model_aliases !== undefined) row.modelAliases = dto.model_aliases;
    applyMemberDefaults(row, dto, now);
  }
}

const MEMBER_DEFAULTS = [
  'team_member_budget',
  'team_member_budget_duration',
  'team_member_rpm_limit',
  'team_member_tpm_limit',
] as const;

function applyMemberDefaults(row: Team, dto: TeamFieldsDto, now: Date): void {
  const extra: TeamMemberDefaults & Record<string, unknown> = { ...row.extra };
  const durationBefore = extra.team_member_budget_duration;
  for (const field of MEMBER_DEFAULTS) {
    if (dto[field] === null) delete extra[field];
    else if (dto[field] !== undefined) (extra as Record<string, unknown>)[field] = dto[field];
  }
  if (extra.team_member_budget_duration === undefined) {
    delete extra.team_member_budget_anchor;
    delete extra.team_member_budget_since;
  } else if (!haveSameWindows(extra.team_member_budget_duration, durationBefore ?? null)) {
    extra.team_member_budget_anchor = now.getTime();
    extra.team_member_budget_since ??= now.getTime();
  }
  row.extra = Object.keys(extra).length ? extra : null;
}
