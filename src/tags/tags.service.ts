import { Injectable } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import { type EntityManager, In, IsNull } from 'typeorm';
import { TAG_FIELDS } from '../parties/fields/tag-fields.js';
import { cacheKey } from '../cache/change-epochs.js';
import { Database } from '../database/database.js';
import { paginate } from '../http/pagination.js';
import { applyParty } from '../parties/apply-party.js';
import { TagRepository } from '../parties/repositories/tag.repository.js';
import { type Principal, seesEverything } from '../policy/principal.js';
import { SpendReports } from '../reporting/spend-reports.js';
import { Tag } from '../parties/entities/tag.entity.js';
import { dynamicTagView, tagView } from './tag.view.js';
import { GATEWAY } from '../database/authored-row.js';
import { type DynamicTag, type TagDto, type TagListQuery, type TagRow } from './tags.dto.js';
import { BudgetRepository } from '../parties/repositories/budget.repository.js';

/** Creates, changes, lists and deletes tags: labels on calls that have limits of their own. */
@Injectable()
export class TagsService {
  constructor(
    private readonly database: Database,
    private readonly reports: SpendReports,
    private readonly tags: TagRepository,
    private readonly budgets: BudgetRepository,
  ) {}

  /** Returns the live tag, cached; null if there is none. */
  get(name: string): Promise<Readonly<Tag> | null> {
    return this.tags.get(name);
  }

  /**
   * Returns the live tag. Creates it if there is none and `requireAllowed` does not reject. Concurrent calls create
   * one.
   */
  getOrCreate(name: string, requireAllowed: (tx: EntityManager) => Promise<void>): Promise<Readonly<Tag>> {
    return this.tags.getOrCreate(name, async (tx) => {
      await requireAllowed(tx);
      await this.tags.ensure(tx, name, GATEWAY, () => {});
    });
  }

  /** Creates a tag. Throws 409 if it exists, and 404 if its tier does not exist. */
  async create(dto: TagDto, by: string): Promise<TagRow> {
    return this.tags.write(
      async (tx) => {
        const tag = await this.make(tx, dto, by);
        await this.tags.setSpend(tx, tag, dto.spend || null);
        return this.view(tx, tag);
      },
      () => [cacheKey.tag(dto.name)],
    );
  }

  /** Creates a tag. Must run inside a transaction. The caller evicts it. */
  async make(tx: EntityManager, dto: TagDto, by: string): Promise<Tag> {
    await this.budgets.require(tx, dto.budget_id);
    return this.tags.create(tx, dto.name, by, (tag, now) => apply(tag, dto, now));
  }

  /** Changes a tag. Throws 404 if it does not exist. */
  async update(dto: TagDto, by: string): Promise<TagRow> {
    return this.tags.write(
      async (tx) => {
        await this.tags.findOrFail(tx, dto.name);
        await this.budgets.require(tx, dto.budget_id);
        const tag = await this.tags.update(tx, dto.name, by, (live, now) => apply(live, dto, now));
        await this.tags.setSpend(tx, tag, dto.spend);
        return this.view(tx, tag);
      },
      () => [cacheKey.tag(dto.name)],
    );
  }

  /** Returns these tags by name. Throws 404 naming those that do not exist. */
  async info(names: readonly string[]): Promise<Record<string, TagRow>> {
    return this.database.read(async (manager) => {
      const rows = await this.tags.in(manager).findBy({ name: In([...new Set(names)]), deletedAt: IsNull() });
      const existingNames = new Set(rows.map(({ name }) => name));
      const absent = names.filter((name) => !existingNames.has(name));
      if (absent.length) {
        const message = `Tags not found: [${absent.map((name) => `'${name}'`).join(', ')}]`;
        throw new MissingRowException({ message, param: 'names' });
      }
      return Object.fromEntries((await this.views(manager, rows)).map((tag) => [tag.name, tag]));
    });
  }

  /**
   * Lists every tag, oldest first. The last page also has names without a row that calls carry. A caller who does not
   * see everything gets the names of its own calls.
   */
  async list(query: TagListQuery, caller: Principal): Promise<(TagRow | DynamicTag)[]> {
    const { take, skip } = paginate(query);
    const rows = seesEverything(caller)
      ? await this.database.read(async (manager) =>
          this.views(
            manager,
            await this.tags.findListed(manager, {
              where: { deletedAt: IsNull() },
              order: { createdAt: 'ASC', id: 'ASC' },
              take,
              skip,
            }),
          ),
        )
      : [];
    if (rows.length === take) return rows;
    const carried = (await this.reports.byTag(query, caller)).map(({ name }) => name);
    const existingNames = new Set(seesEverything(caller) ? await this.existing(carried) : []);
    const dynamic = carried.filter((name) => !existingNames.has(name));
    return [...rows, ...dynamic.slice(0, take - rows.length).map(dynamicTagView)];
  }

  /** Deletes a tag. Throws 404 if it does not exist. */
  async delete(name: string, by: string): Promise<void> {
    await this.tags.write(
      async (tx) => this.tags.remove(tx, await this.tags.findOrFail(tx, name), by),
      () => [cacheKey.tag(name)],
    );
  }

  private async existing(names: readonly string[]): Promise<string[]> {
    const rows = await this.database.read((manager) =>
      this.tags.in(manager).find({ select: { name: true }, where: { name: In(names), deletedAt: IsNull() } }),
    );
    return rows.map(({ name }) => name);
  }

  private async view(manager: EntityManager, row: Tag): Promise<TagRow> {
    const [one] = await this.views(manager, [row]);
    return one!;
  }

  private async views(manager: EntityManager, rows: readonly Tag[]): Promise<TagRow[]> {
    const limited = await this.budgets.withTiers(manager, rows);
    return rows.map((row, i) => tagView(row, limited[i]!));
  }
}

function apply(row: Tag, dto: TagDto, now: Date): void {
  applyParty(row, dto, TAG_FIELDS, now);
  if (dto.description !== undefined) row.description = dto.description;
}
