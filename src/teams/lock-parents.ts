import { type EntityManager, type FindOptionsWhere, In, IsNull } from 'typeorm';
import { lockFor } from '../database/lock-for.js';
import { Organization } from '../orgs/organization.entity.js';
import { User } from '../users/user.entity.js';
import { Team } from './team.entity.js';

/** The ids a body names. What is absent, empty or no text names nobody. */
interface NamedParents {
  readonly organizations?: readonly unknown[];
  readonly teams?: readonly unknown[];
  readonly users?: readonly unknown[];
}

/**
 * Inside a transaction, before anything in these is looked at: they are neither deleted nor changed by others until it ends.
 * Whether they are there is asked afterwards. `exclusively`: nobody else puts anything into these teams either. Nor does anybody
 * into users: one that is deleted meanwhile is made anew by whoever names it, and of many who share a lock nobody could write.
 *
 * Everyone who locks rows of several parties does it in this order: access groups, organizations, teams, users, keys,
 * memberships; and those of one kind by `id`. A tier may come anywhere: whoever changes one locks no party.
 */
export async function lockParents(
  tx: EntityManager,
  { organizations = [], teams = [], users = [] }: NamedParents,
  { exclusively = false } = {},
): Promise<void> {
  if (tx.connection.options.type !== 'postgres') return;
  const shared = lockFor(tx, 'pessimistic_read');
  const lock = async <T extends { id: string }>(
    entity: new () => T,
    where: FindOptionsWhere<T>,
    mode: object = shared,
  ) =>
    void (await tx.find(entity, {
      select: { id: true },
      where: { ...where, deletedAt: IsNull() },
      order: { id: 'ASC' },
      ...mode,
    } as never));
  const [ofOrganizations, ofTeams, ofUsers] = [organizations, teams, users].map(texts);
  if (ofOrganizations!.length) await lock(Organization, { organizationId: In(ofOrganizations!) });
  if (ofTeams!.length) await lock(Team, { teamId: In(ofTeams!) }, exclusively ? lockFor(tx) : shared);
  if (ofUsers!.length) await lock(User, { userId: In(ofUsers!) }, lockFor(tx));
}

const texts = (ids: readonly unknown[]) => ids.filter((id) => typeof id === 'string' && id !== '');
