import {
  BadRequestException,
  ConflictException,
  ForbiddenException,
  HttpException,
  Injectable,
} from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import { type EntityManager, In, IsNull } from 'typeorm';
import { newId } from '../platform/new-id.js';
import { cacheKey } from '../cache/change-epochs.js';
import { DelegationService } from '../delegation/delegation.js';
import { Database } from '../database/database.js';
import { type IssuedKey, KeyIssuer } from '../keys/key-issuer.js';
import { keyView } from '../keys/key.view.js';
import { MAX_PAGE_SIZE } from '../http/pagination.js';
import { USER_FIELDS } from '../parties/fields/user-fields.js';
import { EDITABLE_FIELDS } from '../parties/fields/editable-fields.js';
import { applyParty } from '../parties/apply-party.js';
import { emailTaken, ssoTaken, UserRepository } from '../parties/repositories/user.repository.js';
import {
  type Principal,
  isProxyAdmin,
  MASTER_CALLER_ID,
  maySeeKey,
  maySeeTeam,
  seesEverything,
} from '../policy/principal.js';
import { TeamMembersService } from '../teams/team-members.service.js';
import { teamView } from '../teams/team.view.js';
import { Traced } from '../tracing/traced.js';
import { User } from '../parties/entities/user.entity.js';
import { UserDefaults } from '../parties/user-defaults.js';
import type { UserInfo } from './user-info.dto.js';
import { userView } from '../parties/user.view.js';
import {
  type BulkUpdatedUsers,
  type BulkUpdateUsersDto,
  MAX_BULK,
  type NewUser,
  type NewUserDto,
  type UpdatedUser,
  UpdateUserDto,
  type UserUpdateResult,
} from './users.dto.js';
import { UserRow } from '../parties/user-row.dto.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { OrganizationMemberRepository } from '../parties/repositories/organization-member.repository.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';
import { PartyLocks } from '../parties/party-locks.js';
import { PartyDeletion } from '../parties/party-deletion.js';
import { missingText } from '../policy/checks/parties-exist.js';
import { authoredBy } from '../database/authored-row.js';

/** Creates, changes, lists and deletes users: the people and applications of the company. */
@Injectable()
export class UsersService {
  constructor(
    private readonly database: Database,
    private readonly keyIssuer: KeyIssuer,
    private readonly teamMembers: TeamMembersService,
    private readonly newUsers: UserDefaults,
    private readonly delegation: DelegationService,
    private readonly users: UserRepository,
    private readonly keys: KeyRepository,
    private readonly teams: TeamRepository,
    private readonly members: MemberRepository,
    private readonly organizations: OrganizationRepository,
    private readonly organizationMembers: OrganizationMemberRepository,
    private readonly budgets: BudgetRepository,
    private readonly locks: PartyLocks,
    private readonly deletion: PartyDeletion,
  ) {}

  /** Returns the live user, cached; null if there is none. (LiteLLM `get_user_object`.) */
  @Traced('get_user_object')
  get(userId: string): Promise<Readonly<User> | null> {
    return this.users.get(userId);
  }

  /**
   * Returns the live user, or the user who has the address. Creates one with the address if there is none. Concurrent
   * calls for one id or one address create one user. (LiteLLM `user_id_upsert`.)
   */
  async getOrCreate(userId: string, by: string, email?: string): Promise<Readonly<User>> {
    try {
      return await this.users.getOrCreate(userId, async (tx) => {
        await this.requireFreeEmail(tx, email);
        await this.users.ensure(tx, userId, by, (row, now) => {
          this.newUsers.apply(row, now);
          if (email !== undefined) row.userEmail = email;
        });
      });
    } catch (error) {
      if (!(error instanceof ConflictException) || email === undefined) throw error;
      const holder = await this.database.read((manager) => this.users.withEmail(manager, email));
      if (!holder) throw error;
      return holder;
    }
  }

  /**
   * Creates a user and its first key, unless `auto_create_key` is false. Throws 409 if the id or the address exists.
   */
  async create(dto: NewUserDto, { id: by }: Principal): Promise<NewUser> {
    const userId = dto.user_id ?? newId();
    const teamIds = (dto.teams ?? []).map(({ team_id }) => team_id);
    const { user, issued } = await this.users.write(
      async (tx) => {
        // Locks the parents before the user exists, so that a transaction that names the user waits.
        await this.locks.lockParents(tx, {
          organizations: [...(dto.organizations ?? []), dto.organization_id],
          teams: [...teamIds, dto.team_id],
        });
        const created = await this.make(tx, userId, dto, by);
        for (const team of dto.teams ?? []) await this.teamMembers.join(tx, team, userId, by);
        await this.joinOrganizations(tx, dto.organizations ?? [], created);
        const key: IssuedKey | undefined =
          (dto.auto_create_key ?? true)
            ? await this.keyIssuer.issue(tx, { ...keyPart(dto), user_id: userId }, by)
            : undefined;
        await this.users.setSpend(tx, created, dto.spend || null);
        return { user: created, issued: key };
      },
      (created) => [
        cacheKey.user(userId),
        ...teamIds.flatMap((teamId) => [cacheKey.team(teamId), cacheKey.membership(teamId, userId)]),
        ...(dto.organizations ?? []).map(cacheKey.organization),
        ...(created.issued ? [cacheKey.key(created.issued.row.secretHash)] : []),
      ],
    );
    const view = userView(user, teamIds);
    return issued
      ? { ...keyView(issued.row), ...view, key: issued.secret, token_id: issued.row.secretHash }
      : { ...view, key: '', token: null, token_id: null, key_name: null, expires: null };
  }

  /** Creates a user without a key. Must run inside a transaction. The caller evicts it. */
  async make(tx: EntityManager, userId: string, dto: NewUserDto, by: string): Promise<User> {
    await this.requireFreeEmail(tx, dto.user_email);
    await this.requireFreeSso(tx, dto.sso_user_id);
    await this.budgets.require(tx, dto.budget_id);
    return this.users.create(tx, userId, by, (row, now) => {
      this.newUsers.apply(row, now);
      this.apply(row, dto, now);
    });
  }

  /** Changes a user. Throws 404 if it does not exist. Callers who are no proxy admin may only change themselves. */
  async update(dto: UpdateUserDto, caller: Principal): Promise<UpdatedUser> {
    const by = caller.id;
    const { user, teamIds } = await this.users.write(
      async (tx) => {
        const before = await this.userOf(tx, dto, caller);
        const { userId } = before;
        if (!isProxyAdmin(caller))
          this.delegation.requireSettable(dto, EDITABLE_FIELDS.user, userView(before, []));
        await this.budgets.require(tx, dto.budget_id);
        if (typeof dto.user_id === 'string') await this.requireFreeEmail(tx, dto.user_email, userId);
        const row = await this.users.update(tx, userId, by, (live, now) => this.apply(live, dto, now));
        await this.users.setSpend(tx, row, dto.spend);
        return { user: row, teamIds: (await this.members.teamIdsOf(tx, [userId])).get(userId) ?? [] };
      },
      (changed) => [cacheKey.user(changed.user.userId)],
    );
    return { user_id: user.userId, data: userView(user, teamIds) };
  }

  /** Changes up to 500 users. A failed change does not stop the others. */
  async updateMany(
    { users, all_users, user_updates }: BulkUpdateUsersDto,
    caller: Principal,
  ): Promise<BulkUpdatedUsers> {
    const changes = all_users ? await this.forEveryone(user_updates) : (users ?? []);
    if (!changes.length)
      throw new BadRequestException({
        message: 'Name the users to change in `users`, or `all_users` and `user_updates`',
        param: 'users',
      });
    const results: UserUpdateResult[] = [];
    for (const change of changes) results.push(await this.updateOne(change, caller));
    const successful_updates = results.filter(({ success }) => success).length;
    return {
      results,
      total_requested: results.length,
      successful_updates,
      failed_updates: results.length - successful_updates,
    };
  }

  private async updateOne(change: UpdateUserDto, caller: Principal): Promise<UserUpdateResult> {
    const { user_id = null, user_email = null } = change;
    try {
      const { user_id: id, data } = await this.update(change, caller);
      return { user_id: id, user_email, success: true, error: null, updated_user: data };
    } catch (error) {
      if (!(error instanceof HttpException)) throw error;
      return { user_id, user_email, success: false, error: error.message, updated_user: null };
    }
  }

  /** Returns the changes of all users. Throws 400 if there are more than one request may change. */
  private async forEveryone(updates: UpdateUserDto | null | undefined): Promise<UpdateUserDto[]> {
    const { user_id, user_email } = updates ?? {};
    if (!updates || (user_id ?? user_email ?? undefined) !== undefined)
      throw new BadRequestException({
        message: 'all_users needs user_updates, and those name no user',
        param: 'user_updates',
      });
    const users = await this.database.read((manager) =>
      this.users
        .in(manager)
        .find({ where: { deletedAt: IsNull() }, order: { id: 'ASC' }, take: MAX_BULK + 1 }),
    );
    if (users.length > MAX_BULK)
      throw new BadRequestException({
        message: `More than ${MAX_BULK} users cannot be changed at once`,
        param: 'all_users',
      });
    return users.map(({ userId }) => Object.assign(new UpdateUserDto(), updates, { user_id: userId }));
  }

  /** Returns a user without its keys. Throws `MissingRowException` if the caller may not see it. */
  async flatInfo(requestedId: string | undefined, caller: Principal): Promise<UserRow> {
    const userId = requestedId ?? ownId(caller);
    return this.database.read(async (manager) => {
      const user = await this.requireVisible(manager, userId, caller);
      return userView(user, await this.visibleTeamIds(manager, userId, caller));
    });
  }

  /**
   * Returns a user with the keys and teams that the caller may see. An admin who names no user gets all keys and teams,
   * as in LiteLLM. Throws `MissingRowException` if the caller may not see the user.
   */
  async info(requestedId: string | undefined, caller: Principal): Promise<UserInfo> {
    const isOfAll = requestedId === undefined && seesEverything(caller);
    const userId = requestedId ?? (isOfAll ? caller.userId : ownId(caller));
    return this.database.read(async (manager) => {
      const mayBeAbsent = isOfAll || (userId === MASTER_CALLER_ID && seesEverything(caller));
      const user =
        userId === null || (mayBeAbsent && !(await this.users.find(manager, userId)))
          ? null
          : await this.requireVisible(manager, userId, caller);
      const teamIds = user ? await this.visibleTeamIds(manager, user.userId, caller) : [];
      const keys = await this.keys.findListed(manager, {
        where: { ...(!isOfAll && { userId: userId! }), deletedAt: IsNull() },
        order: { createdAt: 'DESC', id: 'DESC' },
        take: MAX_PAGE_SIZE,
      });
      const teams = await this.teams.findListed(manager, {
        where: { ...(!isOfAll && { teamId: In(teamIds) }), deletedAt: IsNull() },
        order: { teamAlias: { direction: 'ASC', nulls: 'LAST' }, id: 'ASC' },
        take: MAX_PAGE_SIZE,
      });
      return {
        user_id: userId,
        user_info: user && userView(user, teamIds),
        keys: keys.filter((key) => maySeeKey(caller, key)).map(keyView),
        teams: teams.map((team) => teamView(team, [])),
      };
    });
  }

  private async requireVisible(manager: EntityManager, userId: string, caller: Principal): Promise<User> {
    const user = await this.users.findOrFail(manager, userId);
    if (!(await this.users.isVisibleTo(manager, caller, userId))) throw this.users.notFound(userId);
    return user;
  }

  private async visibleTeamIds(manager: EntityManager, userId: string, caller: Principal): Promise<string[]> {
    const joined = (await this.members.teamIdsOf(manager, [userId])).get(userId) ?? [];
    return joined.filter((teamId) => maySeeTeam(caller, teamId));
  }

  /** Deletes users with their keys and memberships, all or none. Throws 404 naming the first that does not exist. */
  async delete(userIds: readonly string[], { id: by }: Principal): Promise<number> {
    const ids = [...new Set(userIds)];
    await this.users.write(
      async (tx) => {
        // Locked before their keys and memberships, so that no other transaction adds to them.
        const users = await this.users.lockedInOrder(tx, { userId: In(ids), deletedAt: IsNull() });
        const absent = ids.find((id) => !users.some(({ userId }) => userId === id));
        if (absent !== undefined) throw this.users.notFound(absent);
        return this.deletion.deleteUsers(tx, users, by);
      },
      (touched) => touched,
    );
    return ids.length;
  }

  private async userOf(
    manager: EntityManager,
    { user_id, user_email }: UpdateUserDto,
    caller: Principal,
  ): Promise<User> {
    if (typeof user_id === 'string') {
      if (isProxyAdmin(caller) || user_id === caller.userId) return this.users.findOrFail(manager, user_id);
      await this.requireVisible(manager, user_id, caller);
      throw notForOthers('user_id');
    }
    if (!user_email)
      throw new BadRequestException({
        message: 'Either user_id or user_email must be given',
        param: 'user_id',
      });
    const user = await this.users.withEmail(manager, user_email);
    if (user && (isProxyAdmin(caller) || user.userId === caller.userId)) return user;
    if (user && (await this.users.isVisibleTo(manager, caller, user.userId)))
      throw notForOthers('user_email');
    throw new MissingRowException({
      message: `User not found, passed user_email=${user_email}`,
      param: 'user_email',
    });
  }

  /** Makes a new user an ordinary member of these organizations. Throws 404 for one that does not exist. */
  private async joinOrganizations(
    tx: EntityManager,
    organizationIds: readonly string[],
    { userId, createdAt, createdBy }: User,
  ): Promise<void> {
    for (const organizationId of new Set(organizationIds)) {
      if (!(await this.organizations.in(tx).existsBy({ organizationId, deletedAt: IsNull() })))
        throw new MissingRowException({
          message: missingText({ kind: 'organization', id: organizationId }),
          param: 'organizations',
        });
      const created = authoredBy(createdBy, createdAt);
      await this.organizationMembers
        .in(tx)
        .insert({ organizationId, userId, role: 'internal_user', ...created });
    }
  }

  private async requireFreeEmail(
    tx: EntityManager,
    email: string | null | undefined,
    except?: string,
  ): Promise<void> {
    const holder = email && (await this.users.withEmail(tx, email));
    if (!holder || holder.userId === except) return;
    throw emailTaken(email!);
  }

  private async requireFreeSso(tx: EntityManager, ssoUserId: string | null | undefined): Promise<void> {
    if (ssoUserId && (await this.users.in(tx).existsBy({ ssoUserId, deletedAt: IsNull() })))
      throw ssoTaken(ssoUserId);
  }

  private apply(row: User, dto: UpdateUserDto | NewUserDto, now: Date): void {
    applyParty(row, dto, USER_FIELDS, now);
    if (dto.user_email !== undefined) row.userEmail = dto.user_email;
    if (dto.user_alias !== undefined) row.userAlias = dto.user_alias;
    if (dto.user_role !== undefined) row.userRole = dto.user_role;
    if ('sso_user_id' in dto && dto.sso_user_id !== undefined) row.ssoUserId = dto.sso_user_id;
  }
}

/** Returns the id of the caller's user. Throws 400 if the caller has none. */
function ownId({ userId }: Principal): string {
  if (userId !== null) return userId;
  throw new BadRequestException({ message: 'Name the user to look up in `user_id`', param: 'user_id' });
}

/** Returns the exception for a user that the caller sees and may not change. */
const notForOthers = (param: string) =>
  new ForbiddenException({ message: 'Only a proxy admin changes another user', param });

/** Fields of a new user's body that describe its first key. Limits and models are the user's own. */
const KEY_PART = [
  'key',
  'key_alias',
  'duration',
  'team_id',
  'organization_id',
  'aliases',
  'allowed_routes',
  'key_type',
] as const;

const keyPart = (dto: NewUserDto) =>
  Object.fromEntries(KEY_PART.map((field) => [field, dto[field]])) as Pick<
    NewUserDto,
    (typeof KEY_PART)[number]
  >;
