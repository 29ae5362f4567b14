import { Injectable, UnprocessableEntityException } from '@nestjs/common';
import { MissingRowException } from '../../http/missing-row.exception.js';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, Repository } from 'typeorm';
import { accessGroupIds } from '../model-entries.js';
import type { PartyRow } from '../party-row.js';
import { AggregateRepository } from '../../database/aggregate-repository.js';
import { AccessGroup } from '../entities/access-group.entity.js';

/** The list in which a group remembers teams by their public ids, and keys by their internal ones. */
type Grantees = 'teamIds' | 'keyIds';

/** Access groups: models under one name, which teams and keys may have. */
@Injectable()
export class AccessGroupRepository extends AggregateRepository<AccessGroup> {
  constructor(@InjectRepository(AccessGroup) rows: Repository<AccessGroup>) {
    super(rows);
  }

  /**
   * Locks the groups that a body names. Must run before the team or key that gets them is locked. A change of a group locks
   * the group first, and then the teams and keys that have it. `assign` checks values that are no list of texts.
   */
  async lockNamed(tx: EntityManager, sent: object): Promise<void> {
    const { access_group_ids: asked } = sent as { access_group_ids?: unknown };
    if (!Array.isArray(asked)) return;
    const ids = asked.filter((one): one is string => typeof one === 'string');
    if (ids.length) await this.lockedInOrder(tx, { id: In(ids) });
  }

  /** Takes a deleted deployment from the groups that have it by its id, which a later one may have. */
  async removeDeployment(tx: EntityManager, deploymentId: string, by: string): Promise<void> {
    const groups = (await this.lockedInOrder(tx, {})).filter(({ deploymentIds }) =>
      deploymentIds.includes(deploymentId),
    );
    for (const group of groups) {
      const deploymentIds = group.deploymentIds.filter((id) => id !== deploymentId);
      await this.in(tx).save({ ...group, deploymentIds, updatedBy: by });
    }
  }

  /** Records in groups that a team or key has them, if the body names any. Throws 404 for a group that does not exist. */
  async assign(
    tx: EntityManager,
    sent: object,
    row: PartyRow,
    [grantees, id]: readonly [Grantees, string],
  ): Promise<void> {
    const { access_group_ids: asked } = sent as { access_group_ids?: readonly unknown[] | null };
    if (!asked) return;
    if (!asked.every((one) => typeof one === 'string')) {
      const message = 'must be a list of texts';
      const fields = [{ field: 'access_group_ids', message }];
      throw new UnprocessableEntityException({ message: `access_group_ids: ${message}`, fields });
    }
    const groups = await this.lockedInOrder(tx, { id: In(accessGroupIds(row)) });
    const absent = asked.find((one) => !groups.some((group) => group.id === one));
    if (absent !== undefined) throw accessGroupNotFound(absent as string, 'access_group_ids');
    for (const group of groups) {
      if (!group[grantees].includes(id))
        await this.in(tx).save({ ...group, [grantees]: [...group[grantees], id] });
    }
  }
}

export const accessGroupNotFound = (id: string, param: string) =>
  new MissingRowException({ message: `Access group '${id}' not found`, param });
