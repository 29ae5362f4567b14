import { ForbiddenException, Inject, Injectable } from '@nestjs/common';
import { type EntityManager, IsNull } from 'typeorm';
import { RightsChangedError } from '../platform/audit-context.js';
import { type MakerEntitlements, DelegationService } from '../delegation/delegation.js';
import { ownershipRefusal } from '../delegation/ownership-refusal.js';
import { lifetimeEnd } from '../calendar/windows.js';
import { CONFIG, type Config } from '../config/config.js';
import { EDITABLE_FIELDS } from '../parties/fields/editable-fields.js';
import { KEY_FIELDS } from '../parties/fields/key-fields.js';
import { isComparedAlone } from '../parties/fields/field.js';
import { inheritFields } from '../parties/fields/read-fields.js';
import { entitlementsOf } from '../parties/entitlements-of.js';
import { GRANTABLE_ROUTES } from '../policy/admin-rules.js';
import {
  administersKey,
  administersOrganization,
  administersTeam,
  type Principal,
  mayInTeam,
} from '../policy/principal.js';
import { NO_LIMITS } from '../policy/entitlements.js';
import { compileKeyRoutes, type RouteList, routesWithin } from '../policy/routes.js';
import { keyView } from './key.view.js';
import type { GenerateKeyDto, KeyFieldsDto } from './keys.dto.js';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';

/**
 * Checks what a caller who is no proxy admin may make of a key. The key may never exceed the calling key and the parties
 * behind it.
 */
@Injectable()
export class KeyDelegation {
  constructor(
    private readonly delegation: DelegationService,
    @Inject(CONFIG)
    private readonly config: { readonly general: Pick<Config['general'], 'userModelsOnTeamKeys'> },
    private readonly keys: KeyRepository,
    private readonly users: UserRepository,
    private readonly teams: TeamRepository,
    private readonly members: MemberRepository,
    private readonly organizations: OrganizationRepository,
    private readonly budgets: BudgetRepository,
  ) {}

  /**
   * Fills the owners of a new key: the caller's own, or a team or an organization that the caller administers. Throws
   * for any other.
   */
  withOwners(dto: GenerateKeyDto, caller: Principal, route: string): GenerateKeyDto {
    this.delegation.requireSettable(dto, NEW_KEY_FIELDS);
    const { user_id, team_id, organization_id } = dto;
    if (user_id && user_id !== caller.userId) throw notForOthers();
    if (team_id && !caller.teams.has(team_id)) throw ownershipRefusal(caller, 'team', team_id);
    if (team_id && !mayInTeam(caller, team_id, route)) throw notPermitted(route);
    if (organization_id && !administersOrganization(caller, organization_id))
      throw ownershipRefusal(caller, 'organization', organization_id);
    const belongsToNoUser =
      route === SERVICE_ACCOUNT ||
      ((user_id === null || user_id === '') && administersTeam(caller, team_id ?? null));
    return Object.assign(dto, { user_id: belongsToNoUser ? null : caller.userId });
  }

  /**
   * Throws 403 if an update names a field or an owner that the caller may not set. An owner changes only between
   * those the caller administers.
   */
  requireUpdatable(dto: KeyFieldsDto, key: VirtualKey, caller: Principal): void {
    this.delegation.requireSettable(dto, EDITABLE_FIELDS.key, keyView(key));
    const { user_id, team_id, organization_id } = dto;
    if (user_id !== undefined && (user_id || null) !== key.userId) throw notForOthers();
    if (team_id !== undefined && (team_id || null) !== key.teamId) {
      if (!team_id || (key.teamId !== null && !administersTeam(caller, key.teamId))) throw staysIn('team_id');
      if (!administersTeam(caller, team_id)) throw ownershipRefusal(caller, 'team', team_id);
    }
    if (organization_id !== undefined && (organization_id || null) !== key.organizationId) {
      if (!organization_id || !administersKey(caller, key)) throw staysIn('organization_id');
      if (!administersOrganization(caller, organization_id))
        throw ownershipRefusal(caller, 'organization', organization_id);
    }
    if (dto.blocked !== undefined && !dto.blocked && key.blocked) this.requireAbove(caller, key);
  }

  /** Throws 403 if the caller does not administer the key. An admin above the caller may have blocked it. */
  requireAbove(caller: Principal, key: VirtualKey): void {
    if (administersKey(caller, key)) return;
    throw new ForbiddenException({ message: 'Only an admin can unblock a key', param: 'blocked' });
  }

  /** Fills the limits that a new key leaves open with those of its maker. Must run inside a transaction. */
  async inherit(tx: EntityManager, row: VirtualKey, caller: Principal): Promise<void> {
    const calling = await this.callingKey(tx, caller);
    if (calling) {
      const end = await this.lifeEnd(tx, row, calling);
      inheritFields(KEY_FIELDS, row, { ...calling, expiresAt: end === Infinity ? null : new Date(end) });
    }
    const { userId } = caller;
    if (userId === null || userId === row.userId) return;
    const user = await this.users.in(tx).findOneBy({ userId, deletedAt: IsNull() });
    if (user) inheritFields(KEY_FIELDS, row, user, isComparedAlone);
  }

  /**
   * Throws 403 if a key exceeds what its maker holds. `before` is the key before the change. Must run inside a
   * transaction.
   */
  async requireWithin(
    tx: EntityManager,
    row: VirtualKey,
    before: VirtualKey | undefined,
    caller: Principal,
  ): Promise<void> {
    const [requested, previous] = await this.budgets.withTiers(tx, before ? [row, before] : [row]);
    const isItself = before !== undefined && before.secretHash === caller.keyHash;
    const calling = isItself ? previous! : await this.callingKey(tx, caller);
    const until = await this.lifeEnd(tx, row, calling);
    const makers: MakerEntitlements[] = [
      calling
        ? {
            entitlements: { ...entitlementsOf(calling, isItself ? undefined : placeOf(calling)), until },
            strictness: isItself ? 'unchanged' : 'sole',
            holder: 'your key',
          }
        : { entitlements: { ...NO_LIMITS, until }, strictness: 'sole', holder: 'the team' },
      ...(await this.entitlementsBehind(tx, row, caller)),
    ];
    this.delegation.requireWithin(entitlementsOf(requested!), previous && entitlementsOf(previous), makers);
    const routes = compileKeyRoutes(row.allowedRoutes);
    const routeLists: RouteList[] = [
      GRANTABLE_ROUTES,
      ...[calling, before].map((key) => compileKeyRoutes(key?.allowedRoutes)),
    ];
    const isWithin = (list: RouteList) => list === 'any' || (routes !== 'any' && routesWithin(routes, list));
    const exceedsAll = routes !== 'any' && !routeLists.some((list) => list !== 'any' && isWithin(list));
    if (exceedsAll || !(caller.routes ?? []).every(isWithin))
      throw new ForbiddenException({
        message: 'allowed_routes would be more than your role may pass on',
        param: 'allowed_routes',
      });
  }

  /** Returns the key of the request with the limits of its tier; undefined if the caller uses a token. */
  private async callingKey(
    tx: EntityManager,
    { keyHash }: Principal,
  ): Promise<Readonly<VirtualKey> | undefined> {
    if (keyHash === undefined) return undefined;
    const row = await this.keys.in(tx).findOneBy({ secretHash: keyHash, deletedAt: IsNull() });
    if (!row) throw new RightsChangedError();
    const [key] = await this.budgets.withTiers(tx, [row]);
    return key!;
  }

  /**
   * Returns the latest expiry of a key: it outlives neither its maker's key nor its team's bound on the keys of
   * members.
   */
  private async lifeEnd(
    tx: EntityManager,
    { teamId, createdAt }: VirtualKey,
    calling: Readonly<VirtualKey> | undefined,
  ): Promise<number> {
    const team = teamId === null ? null : await this.teams.in(tx).findOneBy({ teamId, deletedAt: IsNull() });
    const duration = team?.extra?.team_member_key_duration as string | undefined;
    const ends = [calling?.expiresAt, duration === undefined ? undefined : lifetimeEnd(createdAt, duration)];
    return Math.min(...ends.map((end) => end?.getTime() ?? Infinity));
  }

  private async entitlementsBehind(
    tx: EntityManager,
    row: VirtualKey,
    { userId }: Principal,
  ): Promise<MakerEntitlements[]> {
    const { teamId } = row;
    const live = { deletedAt: IsNull() };
    const team = teamId === null ? null : await this.teams.in(tx).findOneBy({ teamId, ...live });
    const organizationId = team?.organizationId ?? row.organizationId;
    const parties = [
      ['you', userId === null ? null : await this.users.in(tx).findOneBy({ userId, ...live })],
      ['the team', team],
      [
        'you in the team',
        teamId && userId ? await this.members.in(tx).findOneBy({ teamId, userId, ...live }) : null,
      ],
      [
        'the organization',
        organizationId && (await this.organizations.in(tx).findOneBy({ organizationId, ...live })),
      ],
    ] as const;
    const makers: MakerEntitlements[] = [];
    for (const [holder, party] of parties) {
      if (!party) continue;
      const [limited] = await this.budgets.withTiers(tx, [party]);
      const ofUser = holder === 'you';
      const entitlements = entitlementsOf(limited!, { ...placeOf(row), ofUser });
      const limitsModels = !ofUser || teamId === null || this.config.general.userModelsOnTeamKeys;
      makers.push({
        entitlements: limitsModels ? entitlements : { ...entitlements, models: 'any' },
        strictness: 'backstop',
        holder,
      });
      // The maker's user does not limit the calls of a key that belongs to no user or to another user.
      if (ofUser && row.userId !== userId)
        makers.push({
          entitlements: { ...NO_LIMITS, fields: entitlements.fields },
          strictness: 'sole',
          holder,
        });
    }
    return makers;
  }
}

const placeOf = ({ teamId }: Pick<VirtualKey, 'teamId'>) => ({ hasTeam: teamId !== null });

/** The permission to create keys of a team that belong to no user. */
export const SERVICE_ACCOUNT = '/key/service-account/generate';

/** Only a proxy admin may choose a secret: a refusal would show that another key has it, or had it. */
const NEW_KEY_FIELDS = new Set([...EDITABLE_FIELDS.key].filter((field) => field !== 'key'));

/** A key has the admin rights of its user, so a key for another user would give the caller that user's rights. */
const notForOthers = () =>
  new ForbiddenException({ message: 'Only a proxy admin gives a key to another user', param: 'user_id' });

const staysIn = (param: keyof KeyFieldsDto) =>
  new ForbiddenException({ message: `Only an admin of both sides changes the ${param} of a key`, param });

export const notPermitted = (route: string) =>
  new ForbiddenException({
    message: `Your team does not permit its members ${route}. Its admins can, by /team/permissions_update`,
    type: 'team_member_permission_error',
    param: route,
  });
