import { type EntityManager, type FindOptionsWhere, In, IsNull } from 'typeorm';
import { rowLock } from '../database/row-lock.js';
import { Organization } from './entities/organization.entity.js';
import { User } from './entities/user.entity.js';
import { Team } from './entities/team.entity.js';

/** The ids a body names. What is absent, empty or no text names nobody. */
interface NamedParents {
  readonly organizations?: readonly unknown[];
  readonly teams?: readonly unknown[];
  readonly users?: readonly unknown[];
}

/**
 * Inside a transaction, before anything in these is looked at: they are neither deleted nor changed by others until it ends,
 * nor does anybody else put anything into them. Whether they are there is asked afterwards. Nobody shares these locks: PostgreSQL
 * lets whoever shares past whoever waits to write, so members who keep making keys of a team would keep its admin from it.
 *
 * Everyone who locks rows of several parties does it in this order: access groups, organizations, teams, users, keys,
 * memberships; and those of one kind by `id`. A tier may come anywhere: those who name
 * it share it, and whoever changes one locks no party.
 */
export async function lockParents(
  tx: EntityManager,
  { organizations = [], teams = [], users = [] }: NamedParents,
): Promise<void> {
  if (tx.connection.options.type !== 'postgres') return;
  const lock = async <T extends { id: string }>(entity: new () => T, where: FindOptionsWhere<T>) =>
    void (await tx.find(entity, {
      select: { id: true },
      where: { ...where, deletedAt: IsNull() },
      order: { id: 'ASC' },
      ...rowLock(tx),
    } as never));
  const [ofOrganizations, ofTeams, ofUsers] = [organizations, teams, users].map(texts);
  if (ofOrganizations!.length) await lock(Organization, { organizationId: In(ofOrganizations!) });
  if (ofTeams!.length) await lock(Team, { teamId: In(ofTeams!) });
  if (ofUsers!.length) await lock(User, { userId: In(ofUsers!) });
}

const texts = (ids: readonly unknown[]) => ids.filter((id) => typeof id === 'string' && id !== '');
