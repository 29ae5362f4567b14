import { NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { lockRowsInOrder } from '../database/row-lock.js';
import { accessGroupIds } from '../parties/model-entries.js';
import type { PartyRow } from '../parties/party-row.js';
import { AccessGroup } from '../parties/entities/access-group.entity.js';

/** Where a group remembers whom it was given: teams by their public ids, keys by their internal ones. */
type Grantees = 'teamIds' | 'keyIds';

/**
 * Inside a transaction, before the team or key that is to be given these groups is locked: who changes a group locks it first,
 * and then whom it is given to. What is no list of texts is left to `assignAccessGroups`.
 */
export async function lockAccessGroups(tx: EntityManager, sent: object): Promise<void> {
  const { access_group_ids: asked } = sent as { access_group_ids?: unknown };
  if (!Array.isArray(asked)) return;
  const ids = asked.filter((one): one is string => typeof one === 'string');
  if (ids.length) await lockRowsInOrder(tx, AccessGroup, { id: In(ids) });
}

/**
 * Inside a transaction: a team or key was given the groups its `access_group_ids` now name, if the body spoke of them.
 * 404 names one that is not there.
 */
export async function assignAccessGroups(
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
  const groups = await lockRowsInOrder(tx, AccessGroup, { id: In(accessGroupIds(row)) });
  const absent = asked.find((one) => !groups.some((group) => group.id === one));
  if (absent !== undefined) throw missingAccessGroup(absent as string, 'access_group_ids');
  for (const group of groups) {
    if (!group[grantees].includes(id))
      await tx.save(AccessGroup, { ...group, [grantees]: [...group[grantees], id] });
  }
}

export const missingAccessGroup = (id: string, param: string) =>
  new NotFoundException({ message: `Access group '${id}' not found`, param });
