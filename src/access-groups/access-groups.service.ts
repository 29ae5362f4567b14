import { ConflictException, Inject, Injectable, UnprocessableEntityException } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import { type EntityManager, In, IsNull } from 'typeorm';
import { newId } from '../platform/new-id.js';
import { type CacheKey, cacheKey } from '../cache/change-epochs.js';
import { RowCache } from '../cache/row-cache.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { authoredBy } from '../database/authored-row.js';
import { Database } from '../database/database.js';
import { rowLock } from '../database/row-lock.js';
import { type PageQuery, paginate } from '../http/pagination.js';
import { secretsOf, VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { Catalogue } from '../models/catalogue.service.js';
import type { Deployment } from '../models/deployment.js';
import { authorshipView } from '../parties/limits.view.js';
import { accessGroupIds, takeAccessGroup } from '../parties/model-entries.js';
import { ModelNames } from '../parties/model-names.js';
import { ServedNames } from '../models/served-names.js';
import { SPECIAL_ENTRIES } from '../policy/model-list.js';
import { Team } from '../parties/entities/team.entity.js';
import { AccessGroup } from '../parties/entities/access-group.entity.js';
import type { AccessGroupRow, NewAccessGroupDto, UpdateAccessGroupDto } from './access-groups.dto.js';
import {
  AccessGroupRepository,
  accessGroupNotFound,
} from '../parties/repositories/access-group.repository.js';
import { TeamRepository } from '../parties/repositories/team.repository.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';

/**
 * Groups of models under one name, assigned to teams and keys. `LegacyAccessGroupsService` is another view of the same
 * groups.
 */
@Injectable()
export class AccessGroupsService {
  constructor(
    private readonly database: Database,
    private readonly cache: RowCache,
    private readonly catalogue: Catalogue,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly accessGroups: AccessGroupRepository,
    private readonly teams: TeamRepository,
    private readonly keys: KeyRepository,
    private readonly servedNames: ServedNames,
    private readonly modelNames: ModelNames,
  ) {}

  /** Creates a group. Throws 409 if its name exists, and 404 if a team or key does not exist. */
  create(dto: NewAccessGroupDto, by: string): Promise<AccessGroupRow> {
    return this.write(async (tx, cacheKeys) => {
      await this.requireFree(tx, dto.access_group_name, 'access_group_name');
      const group = this.emptyGroup(dto.access_group_name, by);
      cacheKeys.push(...(await this.apply(tx, group, dto, by)));
      await this.insert(tx, group, 'access_group_name');
      return this.view(tx, group);
    });
  }

  list(page: PageQuery): Promise<AccessGroupRow[]> {
    return this.database.read(async (manager) => {
      const order = { createdAt: 'ASC', id: 'ASC' } as const;
      return this.views(manager, await this.accessGroups.in(manager).find({ order, ...paginate(page) }));
    });
  }

  /** Returns a group. Throws 404 if it does not exist. */
  info(id: string): Promise<AccessGroupRow> {
    return this.database.read(async (manager) => this.view(manager, await this.findOrFail(manager, id)));
  }

  /** Changes a group. Throws 404 if it does not exist, and 409 if its new name exists. */
  update(id: string, dto: UpdateAccessGroupDto, by: string): Promise<AccessGroupRow> {
    return this.write(async (tx, cacheKeys) => {
      const group = await this.findOrFail(tx, id, rowLock(tx));
      const { access_group_name: name } = dto;
      const { name: from } = group;
      if (name && name !== from) {
        await this.requireFree(tx, name, 'access_group_name');
        group.name = name;
      }
      cacheKeys.push(...(await this.apply(tx, group, dto, by)));
      const saved = await this.save(tx, group, by);
      if (saved.name !== from) cacheKeys.push(...(await this.follow(tx, from, saved.name, by)));
      return this.view(tx, saved);
    });
  }

  /**
   * Deletes a group and takes it from its teams and keys. A party that only this group restricted may call no model
   * afterwards.
   */
  delete(id: string, by: string): Promise<void> {
    return this.write(async (tx, cacheKeys) => {
      const group = await this.findOrFail(tx, id, rowLock(tx));
      cacheKeys.push(...(await this.remove(tx, group, by)));
    });
  }

  /** Builds a new, empty group without storing it. */
  emptyGroup(name: string, by: string): AccessGroup {
    return { ...EMPTY, id: newId(), name, ...authoredBy(by, this.clock()) };
  }

  save(tx: EntityManager, group: AccessGroup, by: string): Promise<AccessGroup> {
    return this.accessGroups.in(tx).save({ ...group, updatedAt: this.clock(), updatedBy: by });
  }

  /** Throws 409 if a group or a deployment has this name, and 422 if the name is an instruction in lists of models. */
  async requireFree(tx: EntityManager, name: string, param: string): Promise<void> {
    if (SPECIAL_ENTRIES.has(name)) throw invalid(param, 'is an instruction in lists of models, no name');
    if (this.isTag(name) || (await this.accessGroups.in(tx).existsBy({ name })))
      throw alreadyExists(name, param);
  }

  /** Inserts a group. Of concurrent requests for one name exactly one succeeds; the others get 409. */
  async insert(tx: EntityManager, group: AccessGroup, param: string): Promise<void> {
    await this.accessGroups.insertOrIgnore(tx, group);
    const existing = await this.accessGroups.in(tx).findOneByOrFail({ name: group.name });
    if (existing.id !== group.id) throw alreadyExists(group.name, param);
  }

  /** Writes a body to a group, and assigns the group to teams and keys. Returns what to evict. */
  private async apply(
    tx: EntityManager,
    group: AccessGroup,
    dto: UpdateAccessGroupDto,
    by: string,
  ): Promise<CacheKey[]> {
    if (dto.description !== undefined) group.description = dto.description;
    if (dto.access_model_names !== undefined) group.models = dto.access_model_names ?? [];
    if (dto.access_mcp_server_ids !== undefined) group.mcpServerIds = dto.access_mcp_server_ids ?? [];
    if (dto.access_agent_ids !== undefined) group.agentIds = dto.access_agent_ids ?? [];
    const cacheKeys: CacheKey[] = [];
    if (dto.assigned_team_ids !== undefined) {
      const ids = [...new Set(dto.assigned_team_ids)];
      const teams = await this.teams.lockedInOrder(tx, {
        teamId: In([...ids, ...group.teamIds]),
        deletedAt: IsNull(),
      });
      requireAll(
        ids,
        teams.map(({ teamId }) => teamId),
        'Team',
        'assigned_team_ids',
      );
      cacheKeys.push(...(await this.assign(tx, group, teams, (team) => ids.includes(team.teamId), by)));
      group.teamIds = ids;
    }
    if (dto.assigned_key_ids !== undefined) {
      const hashes = [...new Set(dto.assigned_key_ids)];
      const keys = await this.keys.lockedInOrder(
        tx,
        { secretHash: In(hashes), deletedAt: IsNull() },
        { id: In(group.keyIds), deletedAt: IsNull() },
      );
      requireAll(
        hashes,
        keys.map(({ secretHash }) => secretHash),
        'Key',
        'assigned_key_ids',
      );
      cacheKeys.push(...(await this.assign(tx, group, keys, (key) => hashes.includes(key.secretHash), by)));
      group.keyIds = hashes.map((hash) => keys.find(({ secretHash }) => secretHash === hash)!.id);
    }
    return cacheKeys;
  }

  /** Assigns the group to the rows that should have it, and takes it from the others. Returns what to evict. */
  private async assign<T extends Team | VirtualKey>(
    tx: EntityManager,
    { id }: AccessGroup,
    rows: readonly T[],
    shouldHave: (row: T) => boolean,
    by: string,
  ): Promise<CacheKey[]> {
    const changed = rows.filter((row) => accessGroupIds(row).includes(id) !== shouldHave(row));
    for (const row of changed) {
      if (shouldHave(row)) row.extra = { ...row.extra, access_group_ids: [...accessGroupIds(row), id] };
      else takeAccessGroup(row, id);
      row.updatedAt = this.clock();
      row.updatedBy = by;
      await (row instanceof Team ? this.teams.in(tx).save(row) : this.keys.in(tx).save(row));
    }
    return changed.flatMap((row) => (row instanceof Team ? cacheKey.team(row.teamId) : secretsOf(row)));
  }

  /** Takes the group from all teams and keys and deletes it. Must run inside a transaction. Returns what to evict. */
  async remove(tx: EntityManager, group: AccessGroup, by: string): Promise<CacheKey[]> {
    const noAssignments = { assigned_team_ids: [], assigned_key_ids: [] };
    const cacheKeys = await this.apply(tx, group, noAssignments, by);
    const { name } = group;
    await this.accessGroups.in(tx).remove(group);
    return [...cacheKeys, ...(await this.follow(tx, name, null, by))];
  }

  /** Lets the lists of all parties follow the name of a group. Returns the cache keys to evict. */
  async follow(tx: EntityManager, from: string, to: string | null, by: string): Promise<CacheKey[]> {
    const isFromServed = await this.servedNames.has(tx, from);
    return this.modelNames.follow(tx, { from, to, isFromServed }, by);
  }

  deployments(): readonly Deployment[] {
    return this.catalogue.current().deployments;
  }

  /** Tells whether a deployment names a group of this name in its `model_info`. */
  isTag(name: string): boolean {
    return this.deployments().some(({ accessGroups }) => accessGroups.includes(name));
  }

  private async view(manager: EntityManager, group: AccessGroup): Promise<AccessGroupRow> {
    const [view] = await this.views(manager, [group]);
    return view!;
  }

  /** Returns the groups as they are. The row of a team or key decides whether it still has a group. */
  private async views(manager: EntityManager, groups: readonly AccessGroup[]): Promise<AccessGroupRow[]> {
    const teams = await this.teams
      .in(manager)
      .findBy({ teamId: In(groups.flatMap(({ teamIds }) => teamIds)), deletedAt: IsNull() });
    const keys = await this.keys
      .in(manager)
      .findBy({ id: In(groups.flatMap(({ keyIds }) => keyIds)), deletedAt: IsNull() });
    const teamById = new Map(teams.map((team) => [team.teamId, team]));
    const keyById = new Map(keys.map((key) => [key.id, key]));
    return groups.map((group) => {
      const has = (row: Team | VirtualKey | undefined) =>
        row !== undefined && accessGroupIds(row).includes(group.id);
      return {
        access_group_id: group.id,
        access_group_name: group.name,
        description: group.description,
        access_model_names: group.models,
        access_mcp_server_ids: group.mcpServerIds,
        access_agent_ids: group.agentIds,
        assigned_team_ids: group.teamIds.filter((id) => has(teamById.get(id))),
        assigned_key_ids: group.keyIds
          .filter((id) => has(keyById.get(id)))
          .map((id) => keyById.get(id)!.secretHash),
        ...authorshipView(group),
      };
    });
  }

  /** Runs `work` in one transaction, then refreshes the catalogue and evicts `cacheKeys`, then returns. */
  async write<T>(work: (tx: EntityManager, cacheKeys: CacheKey[]) => Promise<T>): Promise<T> {
    const cacheKeys: CacheKey[] = [cacheKey.models];
    const result = await this.database.write(async (tx) => {
      const done = await work(tx, cacheKeys);
      this.cache.willChange(tx, cacheKeys);
      return done;
    });
    await this.catalogue.refresh();
    await this.cache.evict(cacheKeys);
    return result;
  }

  private async findOrFail(
    manager: EntityManager,
    id: string,
    lock: ReturnType<typeof rowLock> = {},
  ): Promise<AccessGroup> {
    const group = await this.accessGroups.in(manager).findOne({ where: { id }, ...lock });
    if (!group) throw accessGroupNotFound(id, 'access_group_id');
    return group;
  }
}

/** The members of an empty group. */
export const EMPTY = {
  description: null,
  models: [],
  deploymentIds: [],
  mcpServerIds: [],
  agentIds: [],
  teamIds: [],
  keyIds: [],
};

const alreadyExists = (name: string, param: string) =>
  new ConflictException({ message: `Access group '${name}' already exists`, param });

function requireAll(
  requested: readonly string[],
  existing: readonly string[],
  title: string,
  param: string,
): void {
  const absent = requested.find((id) => !existing.includes(id));
  if (absent !== undefined)
    throw new MissingRowException({ message: `${title} not found, passed ${param}=${absent}`, param });
}

/** Returns a 422 that names the field. */
export function invalid(field: string, message: string): UnprocessableEntityException {
  return new UnprocessableEntityException({ message: `${field}: ${message}`, fields: [{ field, message }] });
}
