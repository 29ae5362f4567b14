import { ConflictException, Injectable } from '@nestjs/common';
import { MissingRowException } from '../../http/missing-row.exception.js';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, In, IsNull, Repository, type SelectQueryBuilder } from 'typeorm';
import { newId } from '../../platform/new-id.js';
import { cacheKey } from '../../cache/change-epochs.js';
import { foldedAddress } from '../../platform/folded-address.js';
import { missingText } from '../../policy/checks/parties-exist.js';
import {
  administeredOrganizations,
  administeredTeams,
  type Principal,
  seesEverything,
} from '../../policy/principal.js';
import { OrganizationMember } from '../entities/organization-member.entity.js';
import { Member } from '../entities/team-member.entity.js';
import { User } from '../entities/user.entity.js';
import { PartyRepository } from './party.repository.js';
import { PartyRepositoryContext } from './party-repository-context.js';

/** The id, the address or both of a user that a body names. */
interface NamedUser {
  readonly user_id?: string | null;
  readonly user_email?: string | null;
}

/** Users, live and deleted. */
@Injectable()
export class UserRepository extends PartyRepository<User> {
  constructor(@InjectRepository(User) rows: Repository<User>, context: PartyRepositoryContext) {
    super(
      {
        entity: User,
        kind: 'user',
        where: (userId) => ({ userId }),
        idOf: ({ userId }) => userId,
        cacheKey: cacheKey.user,
        title: 'User',
        param: 'user_id',
        unique: [
          {
            property: 'foldedEmail',
            index: 'live_user_email',
            refusal: ({ userEmail }) => emailTaken(userEmail),
          },
          {
            property: 'ssoUserId',
            index: 'live_sso_user_id',
            refusal: ({ ssoUserId }) => ssoTaken(ssoUserId),
          },
        ],
      },
      rows,
      context,
    );
  }

  /** Returns the live user with this address; null if there is none. The case of the letters A to Z does not matter. */
  async withEmail(manager: EntityManager, email: string): Promise<User | null> {
    const foldedEmail = foldedAddress(email);
    const user = await this.in(manager).findOneBy({ foldedEmail, deletedAt: IsNull() });
    // A version that does not know the folded column may have given the user another address since.
    return user?.userEmail && foldedAddress(user.userEmail) === foldedEmail ? user : null;
  }

  /** Returns these live users, in the order of the ids. */
  async findByIds(manager: EntityManager, userIds: readonly string[]): Promise<User[]> {
    const users = await this.in(manager).findBy({ userId: In(userIds), deletedAt: IsNull() });
    return userIds.flatMap((id) => users.filter(({ userId }) => userId === id));
  }

  /**
   * Selects the live users that the caller may see, without their stored content: the caller, and the members of the
   * teams and organizations it administers. The alias is `u`.
   */
  visibleTo(manager: EntityManager, caller: Principal): SelectQueryBuilder<User> {
    const select = this.selectListed(manager, 'u').where('u.deletedAt IS NULL');
    if (seesEverything(caller)) return select;
    const inTeams = select
      .subQuery()
      .select('vm.userId')
      .from(Member, 'vm')
      .where('vm.teamId IN (:...administeredTeams) AND vm.deletedAt IS NULL');
    const inOrganizations = select
      .subQuery()
      .select('vo.userId')
      .from(OrganizationMember, 'vo')
      .where('vo.organizationId IN (:...administeredOrganizations)');
    return select.andWhere(
      `(u.userId = :callerId OR u.userId IN ${inTeams.getQuery()} OR u.userId IN ${inOrganizations.getQuery()})`,
      {
        callerId: caller.userId,
        // An empty list is not valid SQL, and no id is empty.
        administeredTeams: ['', ...administeredTeams(caller)],
        administeredOrganizations: ['', ...administeredOrganizations(caller)],
      },
    );
  }

  /** Tells whether the caller may see this user. */
  isVisibleTo(manager: EntityManager, caller: Principal, userId: string): Promise<boolean> {
    return this.visibleTo(manager, caller).andWhere('u.userId = :asked', { asked: userId }).getExists();
  }

  /**
   * Returns the id of the user that a caller names as a member, by id, by address, or by both of one user. Throws
   * `MissingRowException` when there is no such user, or when the caller may not see it.
   */
  async requireVisible(
    manager: EntityManager,
    { user_id, user_email }: NamedUser,
    caller: Principal,
  ): Promise<string> {
    const withAddress = user_email ? await this.withEmail(manager, user_email) : null;
    const userId = user_id || withAddress?.userId;
    const isOne = !user_email || withAddress?.userId === userId;
    if (userId && isOne && (await this.isVisibleTo(manager, caller, userId))) return userId;
    const id = user_id || user_email || '';
    throw new MissingRowException({ message: missingText({ kind: 'user', id }), param: 'member' });
  }

  /**
   * Returns the id of the user that a body names by id or by address. Must run inside a transaction. Creates the user if
   * it does not exist, with the address if no user has it. Concurrent transactions that name one new address create one
   * user. No other transaction deletes the user until this one ends.
   */
  async ensureNamed(
    tx: EntityManager,
    { user_id, user_email }: NamedUser,
    by: string,
    fill: (user: User, now: Date) => void,
  ): Promise<string> {
    const known = user_email ? await this.withEmail(tx, user_email) : null;
    const ensured = (id: string, address: string | null) =>
      this.ensureLocked(tx, id, by, (user, now) => {
        fill(user, now);
        user.userEmail = address;
      });
    try {
      const id = user_id || known?.userId || newId();
      const hasAddress = !known || known.userId === id;
      return (await ensured(id, hasAddress ? (user_email ?? null) : null)).userId;
    } catch (error) {
      // Another transaction gave the address to another user in the meantime.
      const winner =
        error instanceof ConflictException &&
        !user_id &&
        user_email &&
        (await this.withEmail(tx, user_email));
      if (!winner) throw error;
      return (await ensured(winner.userId, user_email)).userId;
    }
  }
}

/** Returns the refusal of an address that another live user has. */
export const emailTaken = (email: string | null) =>
  new ConflictException({ message: `User with email ${email} already exists`, param: 'user_email' });

/** Returns the refusal of a login id that another live user has. */
export const ssoTaken = (id: string | null) =>
  new ConflictException({ message: `User with sso_user_id ${id} already exists`, param: 'sso_user_id' });
