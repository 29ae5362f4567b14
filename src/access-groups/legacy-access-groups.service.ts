import { BadRequestException, Inject, Injectable } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import type { EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { rowLock } from '../database/row-lock.js';
import { Catalogue } from '../models/catalogue.service.js';
import type { Deployment } from '../models/deployment.js';
import { AccessGroup } from '../parties/entities/access-group.entity.js';
import type {
  ChangedModelGroup,
  DeletedModelGroup,
  GroupMembersDto,
  ModelGroupRow,
  NewModelGroupDto,
} from './access-groups.dto.js';
import { AccessGroupsService, EMPTY, invalid } from './access-groups.service.js';
import {
  AccessGroupRepository,
  accessGroupNotFound,
} from '../parties/repositories/access-group.repository.js';
import { groupTags } from '../models/served-names.js';
import { StoredDeploymentRepository } from '../models/stored-deployment.repository.js';

/** The same groups by name, together with the groups that deployments name (`model_info.access_groups`). */
@Injectable()
export class LegacyAccessGroupsService {
  constructor(
    private readonly database: Database,
    private readonly groups: AccessGroupsService,
    private readonly catalogue: Catalogue,
    @Inject(CONFIG) private readonly config: Pick<Config, 'models'>,
    private readonly accessGroups: AccessGroupRepository,
    private readonly storedDeployments: StoredDeploymentRepository,
  ) {}

  /**
   * Creates a group of existing models or deployments. Throws 409 if its name exists, and 404 naming the first that
   * does not exist.
   */
  create(dto: NewModelGroupDto, by: string): Promise<ChangedModelGroup> {
    return this.groups.write(async (tx) => {
      const { access_group: name } = dto;
      await this.groups.requireFree(tx, name, 'access_group');
      const group = this.groups.emptyGroup(name, by);
      this.setMembers(group, dto);
      await this.groups.insert(tx, group, 'access_group');
      return this.changeView(group);
    });
  }

  /** Lists every group, also the groups that only deployments name in their `model_info.access_groups`. */
  async list(): Promise<ModelGroupRow[]> {
    const groups = await this.database.read((manager) =>
      this.accessGroups.in(manager).find({ order: { createdAt: 'ASC', id: 'ASC' } }),
    );
    const groupNames = new Set(groups.map(({ name }) => name));
    const tags = this.groups.deployments().flatMap(({ accessGroups }) => accessGroups);
    const tagged = [...new Set(tags)].filter((tag) => !groupNames.has(tag));
    return [
      ...groups.map((group) => this.row(group)),
      ...tagged.map((tag) => this.row({ ...EMPTY, name: tag })),
    ];
  }

  /** Returns a group. Throws 404 if it does not exist. */
  async info(name: string): Promise<ModelGroupRow> {
    const group = await this.database.read((manager) => this.accessGroups.in(manager).findOneBy({ name }));
    if (!group && !this.groups.isTag(name)) throw accessGroupNotFound(name, 'access_group');
    return this.row(group ?? { ...EMPTY, name });
  }

  /** Replaces the members of a group. Throws 404 if the group or a member does not exist. */
  update(name: string, dto: GroupMembersDto, by: string): Promise<ChangedModelGroup> {
    return this.groups.write(async (tx) => {
      const existing = await this.takeTag(tx, name);
      const group = existing ?? this.groups.emptyGroup(name, by);
      this.setMembers(group, dto);
      return this.changeView(await this.groups.save(tx, group, by));
    });
  }

  delete(name: string, by: string): Promise<DeletedModelGroup> {
    return this.groups.write(async (tx, cacheKeys) => {
      const { deployment_count: models_updated } = this.row({ ...EMPTY, name });
      const group = await this.takeTag(tx, name);
      cacheKeys.push(
        ...(await (group ? this.groups.remove(tx, group, by) : this.groups.follow(tx, name, null, by))),
      );
      const count = group ? this.row(group).deployment_count : models_updated;
      return {
        access_group: name,
        models_updated: count,
        message: `Access group ${name} deleted successfully`,
      };
    });
  }

  private setMembers(group: AccessGroup, { model_names, model_ids }: GroupMembersDto): void {
    if (!model_names?.length && !model_ids?.length)
      throw invalid('model_names', 'name the models of the group, or its deployments in model_ids');
    const catalogue = this.catalogue.current();
    const served = new Set(this.groups.deployments().map(({ id }) => id));
    const absent =
      model_names?.find((name) => !catalogue.serves(name)) ?? model_ids?.find((id) => !served.has(id));
    if (absent !== undefined)
      throw new MissingRowException({
        message: `Model(s) not found: ${absent}`,
        param: model_names?.includes(absent) ? 'model_names' : 'model_ids',
      });
    group.models = model_names ?? [];
    group.deploymentIds = model_ids ?? [];
  }

  private changeView(group: AccessGroup): ChangedModelGroup {
    return {
      access_group: group.name,
      model_names: group.models.length ? group.models : null,
      model_ids: group.deploymentIds.length ? group.deploymentIds : null,
      models_updated: this.row(group).deployment_count,
    };
  }

  private row({
    name,
    models,
    deploymentIds,
  }: Pick<AccessGroup, 'name' | 'models' | 'deploymentIds'>): ModelGroupRow {
    const isIn = ({ modelName, accessGroups, id }: Deployment) =>
      models.includes(modelName) || deploymentIds.includes(id) || accessGroups.includes(name);
    const members = this.groups.deployments().filter(isIn);
    const others = members.map(({ modelName }) => modelName);
    return {
      access_group: name,
      model_names: [...new Set([...models, ...others])],
      deployment_count: members.length,
    };
  }

  /**
   * Returns the row of a group and removes its name from all stored deployments. Throws 404 if it does not exist, and
   * 400 if the configuration file names it.
   */
  private async takeTag(tx: EntityManager, name: string): Promise<AccessGroup | null> {
    if (this.config.models.some(({ modelInfo }) => modelInfo.access_groups?.includes(name)))
      throw new BadRequestException({
        message: `Access group '${name}' is in the configuration file; change it there`,
        param: 'access_group',
      });
    const tagged = (
      await this.storedDeployments.in(tx).find({ order: { modelId: 'ASC' }, ...rowLock(tx) })
    ).filter(({ modelInfo }) => groupTags(modelInfo).includes(name));
    for (const model of tagged) {
      const access_groups = groupTags(model.modelInfo).filter((tag) => tag !== name);
      await this.storedDeployments
        .in(tx)
        .save({ ...model, modelInfo: { ...model.modelInfo, access_groups } });
    }
    const group = await this.accessGroups.in(tx).findOne({ where: { name }, ...rowLock(tx) });
    if (!group && !tagged.length) throw accessGroupNotFound(name, 'access_group');
    return group;
  }
}
