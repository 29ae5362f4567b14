import { Injectable } from '@nestjs/common';
import { Brackets, type EntityManager, type FindOptionsWhere, In, type SelectQueryBuilder } from 'typeorm';
import { Database } from '../database/database.js';
import { containsText } from '../database/contains-text.js';
import { currentPageInfo } from '../http/page-info.dto.js';
import { type PageQuery, paginate } from '../http/pagination.js';
import { sqlOrder } from '../http/sort-order.js';
import {
  administeredOrganizations,
  administeredTeams,
  type Principal,
  seesEverything,
  teamsWhere,
} from '../policy/principal.js';
import { keyHashOf } from '../platform/secrets.js';
import { joinLifetimeSpend } from '../ledger/join-lifetime-spend.js';
import type { UserRow } from '../parties/user-row.dto.js';
import { userView } from '../parties/user.view.js';
import { keyInfo, keyView } from './key.view.js';
import type { KeyList, ListedKey } from './key-list.dto.js';
import type { KeyAliases, KeyAliasesQuery, KeyInfos, KeyListQuery, KeyRow } from './keys.dto.js';
import { VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';

/** Lists and searches keys. */
@Injectable()
export class KeyLists {
  constructor(
    private readonly database: Database,
    private readonly keys: KeyRepository,
    private readonly users: UserRepository,
  ) {}

  /** Lists the keys that the caller may see. */
  async list(query: KeyListQuery, caller: Principal): Promise<KeyList> {
    const {
      page = 1,
      size = 10,
      sort_by = 'created_at',
      sort_order = 'desc',
      return_full_object,
      expand,
    } = query;
    const order = sqlOrder(sort_order);
    return this.database.read(async (manager) => {
      const select = this.visibleKeys(manager, caller, query.status);
      const { team_id, organization_id, key_hash, key_alias } = query;
      const where = (condition: string, values: object, value: unknown) => {
        if (value !== undefined) select.andWhere(condition, values);
      };
      where('k.teamId = :team', { team: team_id }, team_id);
      where('k.organizationId = :organization', { organization: organization_id }, organization_id);
      where('k.secretHash = :hash', { hash: key_hash }, key_hash);
      where('k.keyAlias = :alias', { alias: key_alias }, key_alias);
      if (query.user_id !== undefined) select.andWhere(ofUser(query, query.user_id, caller));
      if (sort_by === 'spend') bySpend(select, order);
      else select.orderBy(`k.${COLUMN[sort_by]}`, order);
      const [rows, total] = await select
        .addOrderBy('k.id', order)
        .limit(size)
        .offset((page - 1) * size)
        .getManyAndCount();
      if (return_full_object) await this.keys.withContent(manager, rows);
      const viewOf = (row: VirtualKey) => (query.status ? deletedView(row) : keyView(row));
      const users = return_full_object && expand ? await this.usersOf(manager, rows, caller) : undefined;
      return {
        keys: rows.map((row) =>
          return_full_object
            ? { ...viewOf(row), ...(users && { user: users.get(row.userId) ?? null }) }
            : row.secretHash,
        ),
        ...currentPageInfo(total, page, size),
      };
    });
  }

  /** Lists whole keys that the caller may see, by lifetime spend. */
  async topSpenders(query: PageQuery, caller: Principal): Promise<KeyRow[]> {
    const { take, skip } = paginate(query);
    const rows = await this.database.read(async (manager) =>
      this.keys.withContent(
        manager,
        await bySpend(this.visibleKeys(manager, caller), 'DESC')
          .addOrderBy('k.id', 'DESC')
          .limit(take)
          .offset(skip)
          .getMany(),
      ),
    );
    return rows.map(keyView);
  }

  /** Lists the aliases of the keys that the caller may see, in order. */
  async aliases(
    { page = 1, size = 50, search, team_id }: KeyAliasesQuery,
    caller: Principal,
  ): Promise<KeyAliases> {
    return this.database.read(async (manager) => {
      const select = this.visibleKeys(manager, caller).andWhere('k.keyAlias IS NOT NULL');
      if (team_id !== undefined) select.andWhere('k.teamId = :team', { team: team_id });
      if (search !== undefined) select.andWhere(...containsText('k.keyAlias', search));
      const [rows, total] = await select
        .orderBy('k.keyAlias')
        .limit(size)
        .offset((page - 1) * size)
        .getManyAndCount();
      return {
        aliases: rows.map(({ keyAlias }) => keyAlias!),
        ...currentPageInfo(total, page, size),
        size,
      };
    });
  }

  /** Returns those of these keys that exist and that the caller may see. */
  async infos(keys: string[], caller: Principal): Promise<KeyInfos> {
    const rows = await this.database.read(async (manager) =>
      this.keys.withContent(
        manager,
        await this.visibleKeys(manager, caller)
          .andWhere({ secretHash: In(keys.map(keyHashOf)) })
          .getMany(),
      ),
    );
    return { key: keys, info: rows.map(keyInfo) };
  }

  /** Selects the keys that the caller may see, without their stored content. The alias is `k`. */
  private visibleKeys(
    manager: EntityManager,
    caller: Principal,
    status?: 'deleted',
  ): SelectQueryBuilder<VirtualKey> {
    const select = this.keys
      .selectListed(manager, 'k')
      .where(`k.deletedAt IS ${status === 'deleted' ? 'NOT ' : ''}NULL`);
    return seesEverything(caller)
      ? select
      : select.andWhere(new Brackets((either) => either.where(visibleTo(caller))));
  }

  /** Returns the users of these keys that the caller may see. */
  private async usersOf(manager: EntityManager, rows: readonly VirtualKey[], caller: Principal) {
    const ids = rows.flatMap(({ userId }) => userId ?? []);
    const users = ids.length
      ? await this.users.visibleTo(manager, caller).andWhere('u.userId IN (:...ids)', { ids }).getMany()
      : [];
    await this.users.withContent(manager, users);
    return new Map<string | null, UserRow>(users.map((user) => [user.userId, userView(user, [])]));
  }
}

const COLUMN = {
  created_at: 'createdAt',
  updated_at: 'updatedAt',
  key_alias: 'keyAlias',
  token: 'secretHash',
  max_budget: 'maxBudgetNanoUsd',
} as const;

/** Returns the conditions of `maySeeKey` for the database. A visible key fulfils one of them. */
const visibleTo = (caller: Principal): FindOptionsWhere<VirtualKey>[] => [
  ...(caller.keyHash === undefined ? [] : [{ secretHash: In([caller.keyHash]) }]),
  ...(caller.userId === null ? [] : [{ userId: In([caller.userId]) }]),
  { teamId: In(teamsWhere(caller, '/key/info')) },
  { organizationId: In(administeredOrganizations(caller)) },
];

/** Selects the keys of a user; on request also those the user created and those of the caller's teams. */
const ofUser = (query: KeyListQuery, userId: string, caller: Principal) =>
  new Brackets((either) => {
    either.where({ userId });
    if (query.include_created_by_keys) either.orWhere({ createdBy: userId });
    if (query.include_team_keys) either.orWhere({ teamId: In(administeredTeams(caller)) });
  });

/** Orders by lifetime spend. */
const bySpend = (select: SelectQueryBuilder<VirtualKey>, order: 'ASC' | 'DESC') =>
  joinLifetimeSpend(select, 'key').addSelect('COALESCE(a.spentNanoUsd, 0)', 'spent').orderBy('spent', order);

const deletedView = (row: VirtualKey): ListedKey => ({
  ...keyView(row),
  deleted_at: row.deletedAt!.toISOString(),
  deleted_by: row.updatedBy,
});
