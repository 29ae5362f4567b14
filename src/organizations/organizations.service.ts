import { Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull } from 'typeorm';
import { newId } from '../platform/new-id.js';
import { ORGANIZATION_FIELDS } from '../parties/fields/organization-fields.js';
import { cacheKey } from '../cache/change-epochs.js';
import { Database } from '../database/database.js';
import { containsText } from '../database/contains-text.js';
import { MAX_PAGE_SIZE, paginate } from '../http/pagination.js';
import { applyParty } from '../parties/apply-party.js';
import type { LimitsDto, PartyDto } from '../parties/limits.dto.js';
import {
  administersOrganization,
  type Principal,
  maySeeOrganization,
  maySeeTeam,
  seesEverything,
} from '../policy/principal.js';
import type { TeamRow } from '../teams/teams.dto.js';
import { teamView } from '../teams/team.view.js';
import { Traced } from '../tracing/traced.js';
import { organizationMemberView } from './organization-member.view.js';
import { Organization } from '../parties/entities/organization.entity.js';
import { organizationView } from './organization.view.js';
import {
  type NewOrganizationDto,
  type OrganizationListQuery,
  type OrganizationRow,
  type UpdateOrganizationDto,
} from './organizations.dto.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { OrganizationMemberRepository } from '../parties/repositories/organization-member.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';
import { PartyDeletion } from '../parties/party-deletion.js';

/** Creates, changes, lists and deletes organizations. */
@Injectable()
export class OrganizationsService {
  constructor(
    private readonly database: Database,
    private readonly organizations: OrganizationRepository,
    private readonly teams: TeamRepository,
    private readonly members: MemberRepository,
    private readonly organizationMembers: OrganizationMemberRepository,
    private readonly budgets: BudgetRepository,
    private readonly deletion: PartyDeletion,
  ) {}

  /** Returns the live organization, cached; null if there is none. (LiteLLM `get_org_object`.) */
  @Traced('get_org_object')
  get(organizationId: string): Promise<Readonly<Organization> | null> {
    return this.organizations.get(organizationId);
  }

  /** Creates an organization. Throws 409 if its id exists, and 404 if its tier does not exist. */
  async create(dto: NewOrganizationDto, caller: Principal): Promise<OrganizationRow> {
    const organizationId = dto.organization_id ?? newId();
    return this.organizations.write(
      async (tx) => {
        const row = await this.make(tx, organizationId, dto, caller.id);
        await this.organizations.setSpend(tx, row, dto.spend || null);
        return this.view(tx, row, caller);
      },
      () => [cacheKey.organization(organizationId)],
    );
  }

  /** Creates an organization. Must run inside a transaction. The caller evicts it. */
  async make(tx: EntityManager, id: string, dto: NewOrganizationDto, by: string): Promise<Organization> {
    await this.budgets.require(tx, dto.budget_id);
    return this.organizations.create(tx, id, by, (organization, now) => {
      applyParty(organization, dto, ORGANIZATION_FIELDS, now);
      organization.organizationAlias = dto.organization_alias;
    });
  }

  /** Changes an organization. Throws 404 if it does not exist. */
  async update(dto: UpdateOrganizationDto, caller: Principal): Promise<OrganizationRow> {
    const id = dto.organization_id;
    return this.organizations.write(
      async (tx) => {
        const fields = fieldsOf(dto, await this.organizations.findOrFail(tx, id));
        await this.budgets.require(tx, fields.budget_id);
        const row = await this.organizations.update(tx, id, caller.id, (live, now) => {
          // The row is locked here: of two updates, the second merges into what the first wrote.
          const metadata = fields.metadata && merged(live.metadata ?? {}, fields.metadata);
          applyParty(live, { ...fields, ...(metadata && { metadata }) }, ORGANIZATION_FIELDS, now);
          if (dto.organization_alias !== undefined) live.organizationAlias = dto.organization_alias;
        });
        await this.organizations.setSpend(tx, row, dto.spend);
        return this.view(tx, row, caller);
      },
      () => [cacheKey.organization(id)],
    );
  }

  /** Returns an organization with its teams. Throws `MissingRowException` if the caller may not see it. */
  async info(organizationId: string, caller: Principal): Promise<OrganizationRow> {
    return this.database.read(async (manager) => {
      const row = await this.organizations.findOrFail(manager, organizationId);
      if (!maySeeOrganization(caller, organizationId)) throw this.organizations.notFound(organizationId);
      return this.view(manager, row, caller);
    });
  }

  /** Lists the caller's organizations with their teams, oldest first. */
  async list(
    { org_id, org_alias, ...page }: OrganizationListQuery,
    caller: Principal,
  ): Promise<OrganizationRow[]> {
    return this.database.read(async (manager) => {
      const { take, skip } = paginate(page);
      const select = this.organizations.selectListed(manager, 'o').where('o.deletedAt IS NULL');
      if (!seesEverything(caller)) select.andWhere({ organizationId: In([...caller.organizations.keys()]) });
      if (org_id !== undefined) select.andWhere('o.organizationId = :id', { id: org_id });
      if (org_alias !== undefined) select.andWhere(...containsText('o.organizationAlias', org_alias));
      return this.views(
        manager,
        await this.organizations.withContent(
          manager,
          await select.orderBy('o.createdAt').addOrderBy('o.id').take(take).skip(skip).getMany(),
        ),
        caller,
      );
    });
  }

  /** Deletes organizations with their teams and keys, all or none. Throws 404 naming the first that does not exist. */
  async delete(organizationIds: readonly string[], caller: Principal): Promise<OrganizationRow[]> {
    const ids = [...new Set(organizationIds)];
    const { views } = await this.organizations.write(
      async (tx) => {
        // Locked before their teams and keys, so that no other transaction adds to them.
        const rows = await this.organizations.lockedInOrder(tx, {
          organizationId: In(ids),
          deletedAt: IsNull(),
        });
        const absent = ids.find((id) => !rows.some(({ organizationId }) => organizationId === id));
        if (absent !== undefined) throw this.organizations.notFound(absent);
        rows.sort((a, b) => ids.indexOf(a.organizationId) - ids.indexOf(b.organizationId));
        const deleted = await this.views(tx, rows, caller);
        return { views: deleted, touched: await this.deletion.deleteOrganizations(tx, ids, caller.id) };
      },
      ({ touched }) => touched,
    );
    return views;
  }

  private async view(manager: EntityManager, row: Organization, caller: Principal): Promise<OrganizationRow> {
    const [view] = await this.views(manager, [row], caller);
    return view!;
  }

  /** Returns organizations with the teams that the caller may see. Only callers who administer one see its members. */
  private async views(
    manager: EntityManager,
    rows: readonly Organization[],
    caller: Principal,
  ): Promise<OrganizationRow[]> {
    const limited = await this.budgets.withTiers(manager, rows);
    const teams = await this.teams.findListed(manager, {
      where: { organizationId: In(rows.map(({ organizationId }) => organizationId)), deletedAt: IsNull() },
      order: { createdAt: 'ASC', id: 'ASC' },
      take: MAX_PAGE_SIZE,
    });
    const memberLists = await this.members.inTeams(
      manager,
      teams.map(({ teamId }) => teamId),
    );
    const teamsOf = new Map<string, TeamRow[]>(rows.map(({ organizationId }) => [organizationId, []]));
    for (const team of teams.filter(({ teamId }) => maySeeTeam(caller, teamId))) {
      teamsOf.get(team.organizationId!)!.push(teamView(team, memberLists.get(team.teamId)!));
    }
    const open = rows.filter(
      ({ organizationId: id }) => seesEverything(caller) || administersOrganization(caller, id),
    );
    const members = await this.organizationMembers.ofOrganizations(
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

/**
 * Returns the fields that an update changes. Limits may be in the nested table. The organization's own id, which the
 * view shows there, is no `budget_id` of a tier.
 */
function fieldsOf(
  { litellm_budget_table: table, ...dto }: UpdateOrganizationDto,
  { id }: Organization,
): PartyDto {
  const sent = Object.entries(dto).filter(([, value]) => value !== undefined);
  const nested = table === null ? NO_LIMITS : table;
  return { ...nested, ...Object.fromEntries(sent), ...(dto.budget_id === id && { budget_id: null }) };
}

/** Merges metadata as LiteLLM does: a mapping inside it is merged, too. `null` removes a member. */
function merged(before: Metadata, sent: Metadata): Metadata {
  const changes = Object.entries(sent).map(([name, value]) => {
    const inner = before[name];
    return [name, isMapping(inner) && isMapping(value) ? { ...inner, ...value } : value] as const;
  });
  const all = { ...before, ...Object.fromEntries(changes) };
  return Object.fromEntries(Object.entries(all).filter(([name]) => sent[name] !== null));
}

type Metadata = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Metadata =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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
