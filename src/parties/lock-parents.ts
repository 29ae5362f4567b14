import { type EntityManager, type FindOptionsWhere, In, IsNull } from 'typeorm';
import { rowLock } from '../database/row-lock.js';
import { Organization } from './entities/organization.entity.js';
import { User } from './entities/user.entity.js';
import { Team } from './entities/team.entity.js';

/** The ids that a body names. Absent values, empty texts and other types are ignored. */
interface ParentIds {
  readonly organizations?: readonly unknown[];
  readonly teams?: readonly unknown[];
  readonly users?: readonly unknown[];
}

/**
 * Locks these rows until the transaction ends: no other transaction deletes or changes them, or adds anything to them.
 * Must run inside a transaction, before it reads anything in them. The caller checks afterwards whether they exist.
 *
 * The locks are exclusive. PostgreSQL grants a shared lock ahead of a waiting writer, so members who keep creating keys
 * of a team would keep its admin waiting.
 *
 * Every transaction that locks rows of several parties locks in this order: access groups, organizations, teams, users,
 * keys, memberships; rows of one kind by `id`. A tier may come at any point: a transaction that names it shares it, and
 * one that changes it locks no party.
 */
export async function lockParents(
  tx: EntityManager,
  { organizations = [], teams = [], users = [] }: ParentIds,
): Promise<void> {
  if (tx.connection.options.type !== 'postgres') return;
  const lock = async <T extends { id: string }>(entity: new () => T, where: FindOptionsWhere<T>) =>
    void (await tx.find(entity, {
      select: { id: true },
      where: { ...where, deletedAt: IsNull() },
      order: { id: 'ASC' },
      ...rowLock(tx),
    } as never));
  const [organizationIds, teamIds, userIds] = [organizations, teams, users].map(texts);
  if (organizationIds!.length) await lock(Organization, { organizationId: In(organizationIds!) });
  if (teamIds!.length) await lock(Team, { teamId: In(teamIds!) });
  if (userIds!.length) await lock(User, { userId: In(userIds!) });
}

const texts = (ids: readonly unknown[]) => ids.filter((id) => typeof id === 'string' && id !== '');
