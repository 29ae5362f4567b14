import { ForbiddenException, Injectable, NotFoundException } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { DelegationService, type MakerEntitlements } from '../delegation/delegation.js';
import { EDITABLE_FIELDS } from '../parties/fields/editable-fields.js';
import { entitlementsOf } from '../parties/entitlements-of.js';
import type { PartyRow } from '../parties/party-row.js';
import {
  administersTeam,
  maySeeTeam,
  administersOrganization,
  type Principal,
  isProxyAdmin,
  ownsTeam,
} from '../policy/principal.js';
import { missingText } from '../policy/checks/parties-exist.js';
import type { Member } from '../parties/entities/team-member.entity.js';
import type { Team } from '../parties/entities/team.entity.js';
import { teamView } from './team.view.js';
import type { MemberDto, NewTeamDto, TeamFieldsDto, UpdateTeamDto } from './teams.dto.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';

/** What somebody who is no proxy admin may make of a team: its organization's admins up to the organization, its own never more. */
@Injectable()
export class TeamDelegation {
  constructor(
    private readonly delegation: DelegationService,
    private readonly users: UserRepository,
    private readonly organizations: OrganizationRepository,
    private readonly budgets: BudgetRepository,
  ) {}

  /** For its own admins and those above. 404 where it does not concern the caller, 403 for its members. */
  requireAdmin(caller: Principal, teamId: string): void {
    if (!maySeeTeam(caller, teamId)) throw missingTeam(teamId);
    if (!administersTeam(caller, teamId)) throw onlyFor('admins', teamId);
  }

  /** For admins of its organization and those above. */
  requireOwner(caller: Principal, teamId: string): void {
    if (!maySeeTeam(caller, teamId)) throw missingTeam(teamId);
    if (!ownsTeam(caller, teamId)) throw onlyFor('organization’s admins', teamId);
  }

  /** Only in an organization of their own. */
  requireCreatable(dto: NewTeamDto, caller: Principal): void {
    this.delegation.requireSettable(dto, withoutTeamId);
    if (!dto.organization_id) {
      throw new ForbiddenException({
        message: 'Only a proxy admin makes teams without an organization; name one that you administer',
        param: 'organization_id',
      });
    }
    this.requireOrganization(dto, caller);
  }

  requireUpdatable(dto: UpdateTeamDto, team: Team, caller: Principal): void {
    const above = ownsTeam(caller, team.teamId);
    this.delegation.requireSettable(
      dto,
      above ? EDITABLE_FIELDS.teamByOrganization : EDITABLE_FIELDS.teamByAdmin,
      teamView(team, []),
    );
    if (dto.organization_id === undefined || (dto.organization_id || null) === team.organizationId) return;
    if (!dto.organization_id)
      throw new ForbiddenException({
        message: 'Only a proxy admin takes a team out of its organization',
        param: 'organization_id',
      });
    this.requireOrganization(dto, caller);
  }

  /** Inside a transaction: 403 when a team has become more than its organization holds, or than it was. */
  async requireWithin(
    tx: EntityManager,
    team: Team,
    before: Team | undefined,
    caller: Principal,
  ): Promise<void> {
    const isAbove = !before || ownsTeam(caller, before.teamId);
    const organization = isAbove
      ? await this.organizations
          .in(tx)
          .findOneBy({ organizationId: team.organizationId!, deletedAt: IsNull() })
      : null;
    await this.compare(tx, team, before, organization, 'the organization');
  }

  /** Inside a transaction: 403 when a member was given more than the team holds; nobody gives themself more at all. */
  async requireMemberWithin(
    tx: EntityManager,
    member: Member,
    before: Member | undefined,
    team: Team,
    caller: Principal,
  ): Promise<void> {
    const themself = member.userId === caller.userId;
    await this.compare(tx, member, before, themself && before ? null : team, 'the team');
  }

  /** 404 for members who do not concern the caller; proxy admins may name anyone, and make users so. */
  async requireKnown(tx: EntityManager, named: readonly MemberDto[], caller: Principal): Promise<void> {
    if (isProxyAdmin(caller)) return;
    for (const member of named) await this.users.requireVisible(tx, member, caller);
  }

  /** `holder` null: nothing but what it was. */
  private async compare(
    tx: EntityManager,
    row: PartyRow,
    before: PartyRow | undefined,
    holder: PartyRow | null,
    whose: string,
  ): Promise<void> {
    const [asked, old] = await this.budgets.withTiers(tx, before ? [row, before] : [row]);
    const [limited] = holder ? await this.budgets.withTiers(tx, [holder]) : [];
    const held: MakerEntitlements[] = limited
      ? [{ entitlements: entitlementsOf(limited), strictness: 'backstop', whose }]
      : old
        ? [{ entitlements: entitlementsOf(old), strictness: 'unchanged', whose: 'you' }]
        : [];
    this.delegation.requireWithin(entitlementsOf(asked!), old && entitlementsOf(old), held);
  }

  private requireOrganization({ organization_id: id }: TeamFieldsDto, caller: Principal): void {
    if (administersOrganization(caller, id!)) return;
    throw new NotFoundException({
      message: missingText({ kind: 'organization', id: id! }),
      param: 'organization_id',
    });
  }
}

/** Which ids are taken is not for everyone to find out. */
const withoutTeamId = new Set([...EDITABLE_FIELDS.teamByOrganization].filter((field) => field !== 'team_id'));

const missingTeam = (id: string) =>
  new NotFoundException({ message: missingText({ kind: 'team', id }), param: 'team_id' });

const onlyFor = (whom: string, teamId: string) =>
  new ForbiddenException({ message: `Only the ${whom} of Team=${teamId} may do this`, param: 'team_id' });
