import { type EntityManager, IsNull } from 'typeorm';
import { keyWithSecret } from '../../keys/keys.service.js';
import type { VirtualKey } from '../../parties/entities/virtual-key.entity.js';
import { Organization } from '../../parties/entities/organization.entity.js';
import type { Limits } from '../../parties/limits-row.js';
import { Member } from '../../parties/entities/team-member.entity.js';
import { Team } from '../../parties/entities/team.entity.js';
import { User } from '../../parties/entities/user.entity.js';

/** Reads of the live rows behind a caller; null where there is none. */
export interface CallerRows {
  readonly key: (hash: string) => Promise<Readonly<VirtualKey> | null>;
  readonly user: (id: string) => Promise<Readonly<User> | null>;
  readonly team: (id: string) => Promise<Readonly<Team> | null>;
  readonly member: (teamId: string, userId: string) => Promise<Readonly<Member> | null>;
  readonly organization: (id: string) => Promise<Readonly<Organization> | null>;
  readonly tier: (id: string) => Promise<Readonly<Limits> | null>;
}

/** The rows as a transaction sees them. Tiers are left out: nobody's rights depend on one. */
export function rowsIn(tx: EntityManager): CallerRows {
  const deletedAt = IsNull();
  return {
    key: (hash) => keyWithSecret(tx, hash),
    user: (userId) => tx.findOneBy(User, { userId, deletedAt }),
    team: (teamId) => tx.findOneBy(Team, { teamId, deletedAt }),
    member: (teamId, userId) => tx.findOneBy(Member, { teamId, userId, deletedAt }),
    organization: (organizationId) => tx.findOneBy(Organization, { organizationId, deletedAt }),
    tier: () => Promise.resolve(null),
  };
}
