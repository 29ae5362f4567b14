import { Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { requireBudget } from '../budgets/budgets.service.js';
import { withTiers } from '../parties/with-tier.js';
import { cacheKey } from '../cache/change-epochs.js';
import { Database } from '../database/database.js';
import { lockRowsInOrder } from '../database/row-lock.js';
import { containsText } from '../database/contains-text.js';
import { MAX_PAGE_SIZE, paginate } from '../http/pagination.js';
import { secretsOf, VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { applyParty } from '../parties/apply-party.js';
import type { LimitsDto, PartyDto } from '../parties/limits.dto.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import {
  administersOrganization,
  type Principal,
  maySeeOrganization,
  maySeeTeam,
  seesEverything,
} from '../policy/principal.js';
import { lightColumns, selectLight, withContent } from '../parties/listed-rows.js';
import { softDeleteWhere } from '../parties/soft-delete.js';
import { TeamMemberLists } from '../teams/team-members.query.js';
import { Team } from '../parties/entities/team.entity.js';
import type { TeamRow } from '../teams/teams.dto.js';
import { teamView } from '../teams/team.view.js';
import { TeamsService } from '../teams/teams.service.js';
import { Traced } from '../tracing/traced.js';
import { OrganizationMember } from '../parties/entities/organization-member.entity.js';
import { membersOf, organizationMemberView } from './organization-member.view.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { organizationView } from './organization.view.js';
import {
  KEPT_OF_ORGANIZATIONS,
  type NewOrganizationDto,
  type OrganizationListQuery,
  type OrganizationRow,
  type UpdateOrganizationDto,
} from './organizations.dto.js';

/** Tenants. */
@Injectable()
export class OrganizationsService {
  constructor(
    private readonly database: Database,
    private readonly teamsService: TeamsService,
    private readonly organizations: OrganizationRepository,
  ) {}

  /** The live organization, cached; null when there is none. (Seed: `get_org_object`.) */
  @Traced('get_org_object')
  get(organizationId: string): Promise<Readonly<Organization> | null> {
    return this.organizations.get(organizationId);
  }

  /** Makes an organization. 409 when its id is taken, 404 when its tier is not there. */
  async create(dto: NewOrganizationDto, caller: Principal): Promise<OrganizationRow> {
    const organizationId = dto.organization_id ?? uuidv7();
    return this.organizations.write(
      async (tx) => {
        const row = await this.make(tx, organizationId, dto, caller.id);
        await this.organizations.setSpend(tx, row, dto.spend || null);
        return this.view(tx, row, caller);
      },
      () => [cacheKey.organization(organizationId)],
    );
  }

  /** The same inside a transaction of somebody else's; they evict it. */
  async make(tx: EntityManager, id: string, dto: NewOrganizationDto, by: string): Promise<Organization> {
    await requireBudget(tx, dto.budget_id);
    return this.organizations.create(tx, id, by, (fresh, now) => {
      applyParty(fresh, dto, KEPT_OF_ORGANIZATIONS, now);
      fresh.organizationAlias = dto.organization_alias;
    });
  }

  /** Changes what was sent. 404 when there is no such organization. */
  async update(dto: UpdateOrganizationDto, caller: Principal): Promise<OrganizationRow> {
    const id = dto.organization_id;
    return this.organizations.write(
      async (tx) => {
        const fields = fieldsOf(dto, await this.organizations.findOrFail(tx, id));
        await requireBudget(tx, fields.budget_id);
        const row = await this.organizations.update(tx, id, caller.id, (live, now) => {
          applyParty(live, fields, KEPT_OF_ORGANIZATIONS, now);
          if (dto.organization_alias !== undefined) live.organizationAlias = dto.organization_alias;
        });
        await this.organizations.setSpend(tx, row, dto.spend);
        return this.view(tx, row, caller);
      },
      () => [cacheKey.organization(id)],
    );
  }

  /** An organization with its teams. 404 when there is none. */
  async info(organizationId: string, caller: Principal): Promise<OrganizationRow> {
    return this.database.read(async (manager) => {
      const row = await this.organizations.findOrFail(manager, organizationId);
      if (!maySeeOrganization(caller, organizationId)) throw this.organizations.notFound(organizationId);
      return this.view(manager, row, caller);
    });
  }

  /** The caller's organizations with their teams, oldest first. */
  async list(
    { org_id, org_alias, ...page }: OrganizationListQuery,
    caller: Principal,
  ): Promise<OrganizationRow[]> {
    return this.database.read(async (manager) => {
      const { take, skip } = paginate(page);
      const select = selectLight(manager.createQueryBuilder(Organization, 'o')).where('o.deletedAt IS NULL');
      if (!seesEverything(caller)) select.andWhere({ organizationId: In([...caller.organizations.keys()]) });
      if (org_id !== undefined) select.andWhere('o.organizationId = :id', { id: org_id });
      if (org_alias !== undefined) select.andWhere(...containsText('o.organizationAlias', org_alias));
      return this.views(
        manager,
        await withContent(
          manager,
          Organization,
          await select.orderBy('o.createdAt').addOrderBy('o.id').take(take).skip(skip).getMany(),
        ),
        caller,
      );
    });
  }

  /** Deletes organizations with their teams and keys, all or none. 404 names the first that is not there. */
  async delete(organizationIds: readonly string[], caller: Principal): Promise<OrganizationRow[]> {
    const ids = [...new Set(organizationIds)];
    const by = caller.id;
    const { views } = await this.organizations.write(
      async (tx) => {
        // Before what is theirs: nobody puts anything into them meanwhile.
        const rows = await lockRowsInOrder(tx, Organization, {
          organizationId: In(ids),
          deletedAt: IsNull(),
        });
        const absent = ids.find((id) => !rows.some(({ organizationId }) => organizationId === id));
        if (absent !== undefined) throw this.organizations.notFound(absent);
        rows.sort((a, b) => ids.indexOf(a.organizationId) - ids.indexOf(b.organizationId));
        const deleted = await this.views(tx, rows, caller);
        const theirs = { organizationId: In(ids) };
        const teams = await lockRowsInOrder(tx, Team, { ...theirs, deletedAt: IsNull() });
        const teamIds = teams.map(({ teamId }) => teamId);
        const touched = await this.teamsService.removeAll(tx, teamIds, by);
        const burial = { where: theirs, by, now: this.organizations.now() };
        const keys = await softDeleteWhere(tx, VirtualKey, burial);
        await softDeleteWhere(tx, Organization, burial);
        await tx.remove(OrganizationMember, await tx.findBy(OrganizationMember, theirs));
        return { views: deleted, touched: [...touched, ...keys.flatMap(secretsOf)] };
      },
      ({ touched }) => [...ids.map(cacheKey.organization), ...touched],
    );
    return views;
  }

  private async view(manager: EntityManager, row: Organization, caller: Principal): Promise<OrganizationRow> {
    const [view] = await this.views(manager, [row], caller);
    return view!;
  }

  /** As far as they concern the caller: their teams; the members only to whoever administers them. */
  private async views(
    manager: EntityManager,
    rows: readonly Organization[],
    caller: Principal,
  ): Promise<OrganizationRow[]> {
    const limited = await withTiers(manager, rows);
    const teams = await manager.find(Team, {
      select: lightColumns(manager, Team),
      where: { organizationId: In(rows.map(({ organizationId }) => organizationId)), deletedAt: IsNull() },
      order: { createdAt: 'ASC', id: 'ASC' },
      take: MAX_PAGE_SIZE,
    });
    await withContent(manager, Team, teams);
    const rosters = await TeamMemberLists.read(
      manager,
      teams.map(({ teamId }) => teamId),
    );
    const teamsOf = new Map<string, TeamRow[]>(rows.map(({ organizationId }) => [organizationId, []]));
    for (const team of teams.filter(({ teamId }) => maySeeTeam(caller, teamId))) {
      teamsOf.get(team.organizationId!)!.push(teamView(team, rosters.of(team.teamId)));
    }
    const open = rows.filter(
      ({ organizationId: id }) => seesEverything(caller) || administersOrganization(caller, id),
    );
    const members = await membersOf(
      manager,
      open.map(({ organizationId }) => organizationId),
    );
    return rows.map((row, i) =>
      organizationView(
        limited[i]!,
        row,
        teamsOf.get(row.organizationId)!,
        members
          .filter(({ organizationId }) => organizationId === row.organizationId)
          .map(organizationMemberView),
      ),
    );
  }
}

/** What an update changes: limits may stand in the table they are told in, and its own id (see the view) is no tier's. */
function fieldsOf(
  { litellm_budget_table: table, ...dto }: UpdateOrganizationDto,
  { id }: Organization,
): PartyDto {
  const sent = Object.entries(dto).filter(([, value]) => value !== undefined);
  const nested = table === null ? NO_LIMITS : table;
  return { ...nested, ...Object.fromEntries(sent), ...(dto.budget_id === id && { budget_id: null }) };
}

const NO_LIMITS: LimitsDto = {
  max_budget: null,
  soft_budget: null,
  budget_duration: null,
  budget_limits: null,
  model_max_budget: null,
  tpm_limit: null,
  rpm_limit: null,
  max_parallel_requests: null,
};
