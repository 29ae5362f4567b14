import { Injectable } from '@nestjs/common';
import { MemberRepository, pairOf } from '../../parties/repositories/member.repository.js';
import { type EntityManager } from 'typeorm';
import type { VirtualKey } from '../../parties/entities/virtual-key.entity.js';
import { Organization } from '../../parties/entities/organization.entity.js';
import type { Limits } from '../../parties/limits-row.js';
import { Member } from '../../parties/entities/team-member.entity.js';
import { Team } from '../../parties/entities/team.entity.js';
import { User } from '../../parties/entities/user.entity.js';
import { KeyRepository } from '../../parties/repositories/key.repository.js';
import { UserRepository } from '../../parties/repositories/user.repository.js';
import { TeamRepository } from '../../parties/repositories/team.repository.js';
import { OrganizationRepository } from '../../parties/repositories/organization.repository.js';

/** Reads of the live rows behind a caller; null if there is no row. */
export interface CallerRows {
  readonly key: (hash: string) => Promise<Readonly<VirtualKey> | null>;
  readonly user: (id: string) => Promise<Readonly<User> | null>;
  readonly team: (id: string) => Promise<Readonly<Team> | null>;
  readonly member: (teamId: string, userId: string) => Promise<Readonly<Member> | null>;
  readonly organization: (id: string) => Promise<Readonly<Organization> | null>;
  readonly tier: (id: string) => Promise<Readonly<Limits> | null>;
}

/** Reads callers' rows inside transactions. */
@Injectable()
export class CallerRowsReader {
  constructor(
    private readonly keys: KeyRepository,
    private readonly users: UserRepository,
    private readonly teams: TeamRepository,
    private readonly members: MemberRepository,
    private readonly organizations: OrganizationRepository,
  ) {}

  /** Returns the rows as a transaction sees them, without tiers, because no rights depend on a tier. */
  in(tx: EntityManager): CallerRows {
    return {
      key: (hash) => this.keys.withSecret(tx, hash),
      user: (userId) => this.users.find(tx, userId),
      team: (teamId) => this.teams.find(tx, teamId),
      member: (teamId, userId) => this.members.find(tx, pairOf(teamId, userId)),
      organization: (organizationId) => this.organizations.find(tx, organizationId),
      tier: () => Promise.resolve(null),
    };
  }
}
