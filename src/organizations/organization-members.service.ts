import { ownershipRefusal } from '../delegation/ownership-refusal.js';
import type { UserRow } from '../parties/user-row.dto.js';
import { BadRequestException, NotFoundException, Injectable, Inject } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { RowCache } from '../cache/row-cache.js';
import { cacheKey } from '../cache/change-epochs.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { authoredBy } from '../database/authored-row.js';
import { Database } from '../database/database.js';
import { OrganizationRepository } from '../parties/repositories/organization.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { administersOrganization, type Principal, isProxyAdmin } from '../policy/principal.js';
import { UserDefaults } from '../parties/user-defaults.js';
import { OrganizationMember } from '../parties/entities/organization-member.entity.js';
import { organizationMemberView } from './organization-member.view.js';
import type {
  AddedOrganizationMembers,
  AddOrganizationMembersDto,
  OrganizationMemberDto,
  OrganizationMemberNameDto,
  OrganizationMemberRow,
  UpdateOrganizationMemberDto,
} from './organization-members.dto.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { OrganizationMemberRepository } from '../parties/repositories/organization-member.repository.js';
import { PartyLocks } from '../parties/party-locks.js';
import { userView } from '../parties/user.view.js';

/** Adds, changes and removes the members of organizations. */
@Injectable()
export class OrganizationMembersService {
  constructor(
    private readonly database: Database,
    private readonly cache: RowCache,
    private readonly newUsers: UserDefaults,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly organizations: OrganizationRepository,
    private readonly users: UserRepository,
    private readonly members: MemberRepository,
    private readonly organizationMembers: OrganizationMemberRepository,
    private readonly locks: PartyLocks,
  ) {}

  /**
   * Adds members, or changes the role of existing ones. Proxy admins may name any user; a missing one is created. Other
   * callers may name users that they can see.
   */
  async add(
    { organization_id: id, member }: AddOrganizationMembersDto,
    caller: Principal,
  ): Promise<AddedOrganizationMembers> {
    return this.write(id, caller, async (tx) => {
      await this.locks.lockParents(tx, { users: member.map(({ user_id }) => user_id) });
      const userIds: string[] = [];
      for (const dto of member) {
        const userId = await this.userOf(tx, dto, caller);
        await this.put(tx, id, userId, dto.role, caller.id);
        userIds.push(userId);
      }
      const views = (await this.organizationMembers.ofOrganizations(tx, [id])).filter(({ userId }) =>
        userIds.includes(userId),
      );
      const answer = {
        organization_id: id,
        ...(userIds.length === 1 && { user_id: userIds[0] }),
        updated_users: await this.userRows(tx, userIds),
        updated_organization_memberships: views.map(organizationMemberView),
      };
      return { answer, userIds };
    });
  }

  /** Changes the role of a member. Throws 404 if the user is no member. */
  async update(dto: UpdateOrganizationMemberDto, caller: Principal): Promise<OrganizationMemberRow> {
    const { organization_id: id } = dto;
    return this.write(id, caller, async (tx) => {
      const { userId, role } = await this.memberOf(tx, dto);
      await this.put(tx, id, userId, dto.role ?? dto.member?.role ?? role, caller.id);
      const changed = (await this.organizationMembers.ofOrganizations(tx, [id])).find(
        (member) => member.userId === userId,
      )!;
      return { answer: organizationMemberView(changed), userIds: [userId] };
    });
  }

  /** Removes a member; its teams and keys stay in the organization. Throws 404 if the user is no member. */
  async remove(dto: OrganizationMemberNameDto, caller: Principal): Promise<OrganizationMemberRow> {
    const { organization_id: id } = dto;
    return this.write(id, caller, async (tx) => {
      const member = await this.memberOf(tx, dto);
      const { userId } = member;
      await this.organizationMembers.removeWhere(tx, { organizationId: id, userId });
      return { answer: organizationMemberView(member), userIds: [userId] };
    });
  }

  private async write<T>(
    id: string,
    caller: Principal,
    work: (tx: EntityManager) => Promise<{ answer: T; userIds: readonly string[] }>,
  ): Promise<T> {
    const cacheKeysOf = (users: readonly string[]) => [
      cacheKey.organization(id),
      ...users.map(cacheKey.user),
    ];
    const { answer, userIds } = await this.database.write(async (tx) => {
      const organization = await this.organizations.findForUpdate(tx, id);
      if (!organization) throw this.organizations.notFound(id);
      if (!administersOrganization(caller, id)) throw ownershipRefusal(caller, 'organization', id);
      const done = await work(tx);
      this.cache.willChange(tx, cacheKeysOf(done.userIds));
      return done;
    });
    await this.cache.evict(cacheKeysOf(userIds));
    return answer;
  }

  /**
   * Makes a user a member. Creates the user if it does not exist. Must run inside a transaction. Throws 404 if the
   * organization does not exist. The caller evicts both.
   */
  async join(
    tx: EntityManager,
    organizationId: string,
    userId: string,
    role: OrganizationMember['role'],
    by: string,
  ): Promise<void> {
    await this.locks.lockParents(tx, { organizations: [organizationId] });
    await this.organizations.findOrFail(tx, organizationId);
    await this.users.ensureLocked(tx, userId, by, this.newUsers.apply);
    await this.put(tx, organizationId, userId, role, by);
  }

  private async userRows(tx: EntityManager, userIds: readonly string[]): Promise<UserRow[]> {
    const teamIds = await this.members.teamIdsOf(tx, userIds);
    const users = await this.users.findByIds(tx, userIds);
    return users.map((user) => userView(user, teamIds.get(user.userId) ?? []));
  }

  private async put(
    tx: EntityManager,
    organizationId: string,
    userId: string,
    role: OrganizationMember['role'],
    by: string,
  ): Promise<void> {
    const now = this.clock();
    const there = await this.organizationMembers.in(tx).findOneBy({ organizationId, userId });
    const authorship = there ?? authoredBy(by, now);
    await this.organizationMembers
      .in(tx)
      .upsert({ ...authorship, organizationId, userId, role, updatedAt: now, updatedBy: by }, [
        'organizationId',
        'userId',
      ]);
  }

  private async userOf(
    tx: EntityManager,
    { user_id, user_email }: OrganizationMemberDto,
    caller: Principal,
  ): Promise<string> {
    if (!user_id && !user_email)
      throw new BadRequestException({ message: 'A member needs a user_id or a user_email', param: 'member' });
    if (!isProxyAdmin(caller)) return this.users.requireVisible(tx, { user_id, user_email }, caller);
    return this.users.ensureNamed(tx, { user_id, user_email }, caller.id, this.newUsers.apply);
  }

  private async memberOf(
    tx: EntityManager,
    { organization_id, user_id, user_email, member }: UpdateOrganizationMemberDto,
  ) {
    const [id, email] = [user_id || member?.user_id, user_email || member?.user_email];
    const asked = id || (email ? (await this.users.withEmail(tx, email))?.userId : undefined);
    const members = await this.organizationMembers.ofOrganizations(tx, [organization_id]);
    const there = members.find(({ userId }) => userId === asked);
    if (there) return there;
    // Only an admin of the organization comes here, and sees every member.
    throw new NotFoundException({
      message: `User=${id || email} is not a member of Organization=${organization_id}`,
      param: id ? 'user_id' : 'user_email',
    });
  }
}
