import { Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull } from 'typeorm';
import { Database } from '../database/database.js';
import { containsText } from '../database/contains-text.js';
import { foldedAddress } from '../platform/folded-address.js';
import { pageInfo } from '../http/page-info.dto.js';
import { paginate } from '../http/pagination.js';
import { sqlOrder } from '../http/sort-order.js';
import { OrganizationMember } from '../parties/entities/organization-member.entity.js';
import { type Principal, maySeeKey, maySeeTeam } from '../policy/principal.js';
import { joinLifetimeSpend } from '../ledger/join-lifetime-spend.js';
import { Member } from '../parties/entities/team-member.entity.js';
import { User } from '../parties/entities/user.entity.js';
import { userView } from '../parties/user.view.js';
import type { SpendUsersQuery, UserList, UserListQuery } from './users.dto.js';
import type { UserRow } from '../parties/user-row.dto.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { MemberRepository } from '../parties/repositories/member.repository.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';

/** Lists and searches users. */
@Injectable()
export class UserLists {
  constructor(
    private readonly database: Database,
    private readonly users: UserRepository,
    private readonly members: MemberRepository,
    private readonly keys: KeyRepository,
  ) {}

  /** Lists the users that the caller may see. */
  async list(query: UserListQuery, caller: Principal): Promise<UserList> {
    const { page = 1, page_size = 25, sort_by = 'created_at', sort_order = 'desc' } = query;
    return this.database.read(async (manager) => {
      const select = this.users.visibleTo(manager, caller);
      if (query.role !== undefined) select.andWhere('u.userRole = :role', { role: query.role });
      const ids = query.user_ids?.split(',');
      if (ids?.length === 1) select.andWhere(...containsText('u.userId', ids[0]!));
      else if (ids) select.andWhere({ userId: In(ids) });
      if (query.sso_user_ids !== undefined) select.andWhere({ ssoUserId: In(query.sso_user_ids.split(',')) });
      if (query.user_email !== undefined)
        select.andWhere(...containsText('u.foldedEmail', foldedAddress(query.user_email)));
      if (query.organization_ids !== undefined) {
        const members = select
          .subQuery()
          .select('o.userId')
          .from(OrganizationMember, 'o')
          .where('o.organizationId IN (:...organizations)');
        select.andWhere(`u.userId IN ${members.getQuery()}`, {
          organizations: query.organization_ids.split(','),
        });
      }
      if (query.team !== undefined) {
        const members = select
          .subQuery()
          .select('m.userId')
          .from(Member, 'm')
          .where('m.teamId = :team AND m.deletedAt IS NULL');
        select.andWhere(`u.userId IN ${members.getQuery()}`, { team: query.team });
      }
      if (sort_by === 'spend') joinLifetimeSpend(select, 'user');
      const [users, total] = await select
        .orderBy(COLUMN[sort_by], sqlOrder(sort_order), 'NULLS LAST')
        .addOrderBy('u.id')
        .limit(page_size)
        .offset((page - 1) * page_size)
        .getManyAndCount();
      const views = await this.viewsOf(manager, users, caller);
      const allKeys = await this.keys.in(manager).find({
        select: { id: true, secretHash: true, userId: true, teamId: true, organizationId: true },
        where: { userId: In(users.map(({ userId }) => userId)), deletedAt: IsNull() },
      });
      const keys = allKeys.filter((key) => maySeeKey(caller, key));
      return {
        users: views.map((view) => ({
          ...view,
          key_count: keys.filter(({ userId }) => userId === view.user_id).length,
        })),
        ...pageInfo(total, { page, page_size }),
      };
    });
  }

  /** Lists the users that the caller may see, by lifetime spend. */
  async topSpenders(query: SpendUsersQuery, caller: Principal): Promise<UserRow[]> {
    const { take, skip } = paginate(query);
    return this.database.read(async (manager) => {
      const select = joinLifetimeSpend(this.users.visibleTo(manager, caller), 'user').addSelect(
        'COALESCE(a.spentNanoUsd, 0)',
        'spent',
      );
      if (query.user_id !== undefined) select.andWhere('u.userId = :asked', { asked: query.user_id });
      const users = await select
        .orderBy('spent', 'DESC')
        .addOrderBy('u.id')
        .limit(take)
        .offset(skip)
        .getMany();
      return this.viewsOf(manager, users, caller);
    });
  }

  /** Returns users as lists show them: with those of their teams that the caller may see. */
  private async viewsOf(manager: EntityManager, users: User[], caller: Principal) {
    await this.users.withContent(manager, users);
    const teams = await this.members.teamIdsOf(
      manager,
      users.map(({ userId }) => userId),
    );
    return users.map((user) =>
      userView(
        user,
        (teams.get(user.userId) ?? []).filter((teamId) => maySeeTeam(caller, teamId)),
      ),
    );
  }
}

const COLUMN: Record<NonNullable<UserListQuery['sort_by']>, string> = {
  user_id: 'u.userId',
  user_email: 'u.userEmail',
  created_at: 'u.createdAt',
  spend: 'a.spentNanoUsd',
  user_alias: 'u.userAlias',
  user_role: 'u.userRole',
};
