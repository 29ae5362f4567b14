import { Injectable } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import { type EntityManager, In, IsNull } from 'typeorm';
import { END_USER_FIELDS } from '../parties/fields/end-user-fields.js';
import { cacheKey } from '../cache/change-epochs.js';
import { GATEWAY } from '../database/authored-row.js';
import { Database } from '../database/database.js';
import { type PageQuery, paginate } from '../http/pagination.js';
import { applyParty } from '../parties/apply-party.js';
import { EndUserRepository } from '../parties/repositories/end-user.repository.js';
import { EndUser } from '../parties/entities/end-user.entity.js';
import { endUserView } from './end-user.view.js';
import {
  type DeletedEndUsers,
  type EndUserRow,
  type NewEndUserDto,
  type UpdateEndUserDto,
} from './end-users.dto.js';
import { Traced } from '../tracing/traced.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';

/** Creates, changes, lists and deletes end users: the customers' customers. */
@Injectable()
export class EndUsersService {
  constructor(
    private readonly database: Database,
    private readonly endUsers: EndUserRepository,
    private readonly budgets: BudgetRepository,
  ) {}

  /** Returns the live end user, cached; null if there is none. (LiteLLM `get_end_user_object`.) */
  @Traced('get_end_user_object')
  get(userId: string): Promise<Readonly<EndUser> | null> {
    return this.endUsers.get(userId);
  }

  /**
   * Returns the live end user. Creates it if there is none and `requireAllowed` does not reject. Concurrent calls
   * create one.
   */
  getOrCreate(
    userId: string,
    requireAllowed: (tx: EntityManager) => Promise<void>,
  ): Promise<Readonly<EndUser>> {
    return this.endUsers.getOrCreate(userId, async (tx) => {
      await requireAllowed(tx);
      await this.ensure(tx, userId, GATEWAY);
    });
  }

  /** Returns what `getOrCreate` would return, without creating it. */
  wouldBe(userId: string): Promise<Readonly<EndUser>> {
    return this.endUsers.preview(userId);
  }

  /** Creates an end user. Throws 409 if it exists, and 404 if its tier does not exist. */
  async create(dto: NewEndUserDto, by: string): Promise<EndUserRow> {
    return this.endUsers.write(
      async (tx) => {
        const row = await this.make(tx, dto, by);
        await this.endUsers.setSpend(tx, row, dto.spend || null);
        return this.view(tx, row);
      },
      () => [cacheKey.endUser(dto.user_id)],
    );
  }

  /** Creates an end user. Must run inside a transaction. The caller evicts it. */
  async make(tx: EntityManager, dto: NewEndUserDto, by: string): Promise<EndUser> {
    await this.budgets.require(tx, dto.budget_id);
    return this.endUsers.create(tx, dto.user_id, by, (endUser, now) => apply(endUser, dto, now));
  }

  /** Changes an end user. Throws 404 if it does not exist. */
  async update(dto: UpdateEndUserDto, by: string): Promise<EndUserRow> {
    return this.endUsers.write(
      async (tx) => {
        await this.requireAll(tx, [dto.user_id], 'user_id');
        await this.budgets.require(tx, dto.budget_id);
        const row = await this.endUsers.update(tx, dto.user_id, by, (live, now) => apply(live, dto, now));
        await this.endUsers.setSpend(tx, row, dto.spend);
        return this.view(tx, row);
      },
      () => [cacheKey.endUser(dto.user_id)],
    );
  }

  /** Returns an end user. Throws 404 if it does not exist. */
  async info(userId: string): Promise<EndUserRow> {
    return this.database.read(async (manager) => {
      const [row] = await this.requireAll(manager, [userId], 'end_user_id');
      return this.view(manager, row!);
    });
  }

  /** Lists every end user, oldest first. */
  async list(page: PageQuery): Promise<EndUserRow[]> {
    return this.database.read(async (manager) =>
      this.views(
        manager,
        await this.endUsers.findListed(manager, {
          where: { deletedAt: IsNull() },
          order: { createdAt: 'ASC', id: 'ASC' },
          ...paginate(page),
        }),
      ),
    );
  }

  /** Deletes end users, all or none. Throws 404 naming those that do not exist. */
  async delete(userIds: readonly string[], by: string): Promise<DeletedEndUsers> {
    const ids = [...new Set(userIds)];
    await this.endUsers.write(
      async (tx) => {
        const rows = await this.requireAll(tx, ids, 'user_ids');
        for (const row of rows) await this.endUsers.remove(tx, row, by);
      },
      () => ids.map(cacheKey.endUser),
    );
    return {
      deleted_customers: ids.length,
      message: `Successfully deleted customers with ids: [${ids.map((id) => `'${id}'`).join(', ')}]`,
    };
  }

  /** Blocks end users. Creates those that do not exist. */
  async block(userIds: readonly string[], by: string): Promise<EndUserRow[]> {
    return this.setBlocked(userIds, true, by);
  }

  /** Unblocks end users. Returns the requested ones that are still blocked, which is always none. */
  async unblock(userIds: readonly string[], by: string): Promise<EndUserRow[]> {
    await this.setBlocked(userIds, false, by);
    return [];
  }

  private async setBlocked(userIds: readonly string[], blocked: boolean, by: string): Promise<EndUserRow[]> {
    const ids = [...new Set(userIds)];
    return this.endUsers.write(
      async (tx) => {
        if (!blocked) await this.requireAll(tx, ids, 'user_ids');
        // Always in the same order, so that two concurrent requests do not deadlock.
        for (const id of ids.toSorted()) {
          if (blocked) await this.ensure(tx, id, by);
          await this.endUsers.update(tx, id, by, (row) => void (row.blocked = blocked));
        }
        return this.views(tx, await this.requireAll(tx, ids, 'user_ids'));
      },
      () => ids.map(cacheKey.endUser),
    );
  }

  /** Returns these live end users, in this order. Throws 404 naming those that do not exist. */
  private async requireAll(
    manager: EntityManager,
    ids: readonly string[],
    param: string,
  ): Promise<EndUser[]> {
    const rows = await this.endUsers.in(manager).findBy({ userId: In(ids), deletedAt: IsNull() });
    const byId = new Map(rows.map((row) => [row.userId, row]));
    const absent = ids.filter((id) => !byId.has(id));
    if (absent.length) throw missing(absent, param);
    return ids.map((id) => byId.get(id)!);
  }

  private ensure(tx: EntityManager, userId: string, by: string): Promise<EndUser> {
    return this.endUsers.ensure(tx, userId, by, () => {});
  }

  private async view(manager: EntityManager, row: EndUser): Promise<EndUserRow> {
    const [one] = await this.views(manager, [row]);
    return one!;
  }

  private async views(manager: EntityManager, rows: readonly EndUser[]): Promise<EndUserRow[]> {
    return (await this.budgets.withTiers(manager, rows)).map(endUserView);
  }
}

function apply(row: EndUser, dto: UpdateEndUserDto, now: Date): void {
  // An end user has neither field, and no validator has checked them.
  applyParty(row, { ...dto, models: undefined, metadata: undefined }, END_USER_FIELDS, now);
  if (dto.alias !== undefined) row.alias = dto.alias;
  if (dto.allowed_model_region !== undefined) row.allowedModelRegion = dto.allowed_model_region;
  if (dto.default_model !== undefined) row.defaultModel = dto.default_model;
}

const missing = (ids: readonly string[], param: string) =>
  new MissingRowException({
    message:
      ids.length > 1
        ? `End User Id(s)=${ids.join(', ')} do not exist in db`
        : `End User Id=${ids[0]} does not exist in db`,
    param,
  });
