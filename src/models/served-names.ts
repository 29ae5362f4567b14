import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { AccessGroupRepository } from '../parties/repositories/access-group.repository.js';
import { StoredDeploymentRepository } from './stored-deployment.repository.js';

/** Tells which names stand for a model or a group, as a transaction sees it. */
@Injectable()
export class ServedNames {
  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'models'>,
    private readonly storedDeployments: StoredDeploymentRepository,
    private readonly accessGroups: AccessGroupRepository,
  ) {}

  /** Tells whether a deployment, a group or a tag of a deployment (`model_info.access_groups`) has this name. */
  async has(tx: EntityManager, name: string): Promise<boolean> {
    const isNamed = (modelName: string, modelInfo: { readonly access_groups?: unknown } | null) =>
      modelName === name || groupTags(modelInfo).includes(name);
    if (this.config.models.some(({ modelName, modelInfo }) => isNamed(modelName, modelInfo))) return true;
    if (await this.accessGroups.in(tx).existsBy({ name })) return true;
    const rows = await this.storedDeployments
      .in(tx)
      .find({ select: { modelId: true, modelName: true, modelInfo: true } });
    return rows.some(({ modelName, modelInfo }) => isNamed(modelName, modelInfo));
  }
}

/** Returns the groups that a deployment names. */
export const groupTags = (info: { readonly access_groups?: unknown } | null): string[] =>
  Array.isArray(info?.access_groups) ? info.access_groups.map(String) : [];
