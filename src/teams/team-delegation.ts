import { ForbiddenException, Injectable } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import { type EntityManager, IsNull } from 'typeorm';
import { DelegationService, type MakerEntitlements } from '../delegation/delegation.js';
import { ownershipRefusal } from '../delegation/ownership-refusal.js';
import { EDITABLE_FIELDS } from '../parties/fields/editable-fields.js';
import { entitlementsOf } from '../parties/entitlements-of.js';
import type { PartyRow } from '../parties/party-row.js';
import {
  administersTeam,
  maySeeTeam,
  administersOrganization,
  type Principal,
  isProxyAdmin,
  isAboveTeam,
} from '../policy/principal.js';
import { missingText } from '../policy/checks/parties-exist.js';
import type { Member } from '../parties/entities/team-member.entity.js';
import type { Team } from '../parties/entities/team.entity.js';
import { teamView } from './team.view.js';
import type { MemberDto, NewTeamDto, TeamFieldsDto, UpdateTeamDto } from './teams.dto.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';

/**
 * Checks what a caller who is no proxy admin may make of a team. Organization admins may raise a team up to the
 * organization's limits. Team admins may never raise it.
 */
@Injectable()
export class TeamDelegation {
  constructor(
    private readonly delegation: DelegationService,
    private readonly users: UserRepository,
    private readonly organizations: OrganizationRepository,
    private readonly budgets: BudgetRepository,
  ) {}

  /** Throws if the caller neither administers the team nor is above it. */
  requireAdmin(caller: Principal, teamId: string): void {
    if (!administersTeam(caller, teamId)) throw ownershipRefusal(caller, 'team', teamId);
  }

  /** Throws if the caller does not administer the organization of the team. */
  requireOrganizationAdmin(caller: Principal, teamId: string): void {
    if (!maySeeTeam(caller, teamId)) throw missingTeam(teamId);
    if (!isAboveTeam(caller, teamId)) throw onlyForOrganizationAdmins();
  }

  /** Throws if the caller does not administer the organization of a new team. */
  requireCreatable(dto: NewTeamDto, caller: Principal): void {
    this.delegation.requireSettable(dto, NEW_TEAM_FIELDS);
    if (!dto.organization_id) {
      throw new ForbiddenException({
        message: 'Only a proxy admin makes teams without an organization; name one that you administer',
        param: 'organization_id',
      });
    }
    this.requireOrganization(dto, caller);
  }

  requireUpdatable(dto: UpdateTeamDto, team: Team, caller: Principal): void {
    const isAbove = isAboveTeam(caller, team.teamId);
    this.delegation.requireSettable(
      dto,
      isAbove ? EDITABLE_FIELDS.teamByOrganization : EDITABLE_FIELDS.teamByAdmin,
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

  /**
   * Throws 403 if a team exceeds what its organization holds, or for a team admin what it had before. Must run inside a
   * transaction.
   */
  async requireWithin(
    tx: EntityManager,
    team: Team,
    before: Team | undefined,
    caller: Principal,
  ): Promise<void> {
    const isAbove = !before || isAboveTeam(caller, before.teamId);
    const organization = isAbove
      ? await this.organizations
          .in(tx)
          .findOneBy({ organizationId: team.organizationId!, deletedAt: IsNull() })
      : null;
    await this.compare(tx, team, before, organization, 'the organization');
  }

  /**
   * Throws 403 if a member exceeds what the team holds. A caller may not raise itself at all. Must run inside a
   * transaction.
   */
  async requireMemberWithin(
    tx: EntityManager,
    member: Member,
    before: Member | undefined,
    team: Team,
    caller: Principal,
  ): Promise<void> {
    const isSelf = member.userId === caller.userId;
    await this.compare(tx, member, before, isSelf && before ? null : team, 'the team');
  }

  /**
   * Throws if the caller may not see one of the members. A proxy admin may name any user; a missing one is created.
   */
  async requireVisible(tx: EntityManager, members: readonly MemberDto[], caller: Principal): Promise<void> {
    if (isProxyAdmin(caller)) return;
    for (const member of members) await this.users.requireVisible(tx, member, caller);
  }

  /** Compares a row with its holder. Without a holder, the row may only keep or lower what it had. */
  private async compare(
    tx: EntityManager,
    row: PartyRow,
    before: PartyRow | undefined,
    holder: PartyRow | null,
    holderName: string,
  ): Promise<void> {
    const [requested, previous] = await this.budgets.withTiers(tx, before ? [row, before] : [row]);
    const [limited] = holder ? await this.budgets.withTiers(tx, [holder]) : [];
    const makers: MakerEntitlements[] = limited
      ? [{ entitlements: entitlementsOf(limited), strictness: 'backstop', holder: holderName }]
      : previous
        ? [{ entitlements: entitlementsOf(previous), strictness: 'unchanged', holder: 'you' }]
        : [];
    this.delegation.requireWithin(entitlementsOf(requested!), previous && entitlementsOf(previous), makers);
  }

  private requireOrganization({ organization_id: id }: TeamFieldsDto, caller: Principal): void {
    if (administersOrganization(caller, id!)) return;
    throw ownershipRefusal(caller, 'organization', id!);
  }
}

/** Only a proxy admin may choose an id: a refusal would show that another team has it. */
const NEW_TEAM_FIELDS = new Set(
  [...EDITABLE_FIELDS.teamByOrganization].filter((field) => field !== 'team_id'),
);

const missingTeam = (id: string) =>
  new MissingRowException({ message: missingText({ kind: 'team', id }), param: 'team_id' });

const onlyForOrganizationAdmins = () =>
  new ForbiddenException({
    message: 'Only the admins of the team’s organization may do this',
    param: 'team_id',
  });
