import { Injectable, NotFoundException } from '@nestjs/common';
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

/** Labels on calls that have limits of their own. */
@Injectable()
export class TagsService {
  constructor(
    private readonly database: Database,
    private readonly reports: SpendReports,
    private readonly tags: TagRepository,
    private readonly budgets: BudgetRepository,
  ) {}

  /** The live tag, cached; null when there is none. */
  get(name: string): Promise<Readonly<Tag> | null> {
    return this.tags.get(name);
  }

  /** The same, made if there is none and `requireAllowed` does not reject. However many ask at once, there is one. */
  getOrCreate(name: string, requireAllowed: (tx: EntityManager) => Promise<void>): Promise<Readonly<Tag>> {
    return this.tags.getOrCreate(name, async (tx) => {
      await requireAllowed(tx);
      await this.tags.ensure(tx, name, GATEWAY, () => {});
    });
  }

  /** Makes a tag. 409 when it is there, 404 when its tier is not. */
  async create(dto: TagDto, by: string): Promise<TagRow> {
    return this.tags.write(
      async (tx) => this.view(tx, await this.make(tx, dto, by)),
      () => [cacheKey.tag(dto.name)],
    );
  }

  /** The same inside a transaction of somebody else's; they evict it. */
  async make(tx: EntityManager, dto: TagDto, by: string): Promise<Tag> {
    await this.budgets.require(tx, dto.budget_id);
    return this.tags.create(tx, dto.name, by, (made, now) => apply(made, dto, now));
  }

  /** Changes what was sent. 404 when there is no such tag. */
  async update(dto: TagDto, by: string): Promise<TagRow> {
    return this.tags.write(
      async (tx) => {
        await this.tags.findOrFail(tx, dto.name);
        await this.budgets.require(tx, dto.budget_id);
        return this.view(tx, await this.tags.update(tx, dto.name, by, (live, now) => apply(live, dto, now)));
      },
      () => [cacheKey.tag(dto.name)],
    );
  }

  /** These tags by name; 404 names all that are not there. */
  async info(names: readonly string[]): Promise<Record<string, TagRow>> {
    return this.database.read(async (manager) => {
      const rows = await this.tags.in(manager).findBy({ name: In([...new Set(names)]), deletedAt: IsNull() });
      const known = new Set(rows.map(({ name }) => name));
      const absent = names.filter((name) => !known.has(name));
      if (absent.length) {
        const message = `Tags not found: [${absent.map((name) => `'${name}'`).join(', ')}]`;
        throw new NotFoundException({ message, param: 'names' });
      }
      return Object.fromEntries((await this.views(manager, rows)).map((tag) => [tag.name, tag]));
    });
  }

  /** Every tag, oldest first; on the last page also names without a row that calls carried. Others than admins see those of their own calls. */
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
    const known = new Set(seesEverything(caller) ? await this.existing(carried) : []);
    const dynamic = carried.filter((name) => !known.has(name));
    return [...rows, ...dynamic.slice(0, take - rows.length).map(dynamicTagView)];
  }

  /** 404 when there is none. */
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
