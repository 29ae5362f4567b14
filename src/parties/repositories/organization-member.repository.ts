import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, type FindOptionsWhere, In, Repository } from 'typeorm';
import { User } from '../entities/user.entity.js';
import { AggregateRepository } from '../../database/aggregate-repository.js';
import { OrganizationMember } from '../entities/organization-member.entity.js';

/** A membership with its user. */
export type NamedOrganizationMember = OrganizationMember & { readonly user?: User | null };

/** Memberships of users in organizations. */
@Injectable()
export class OrganizationMemberRepository extends AggregateRepository<OrganizationMember> {
  constructor(@InjectRepository(OrganizationMember) rows: Repository<OrganizationMember>) {
    super(rows);
  }

  /** Returns the members of these organizations with their users, in the order they joined. */
  ofOrganizations(
    manager: EntityManager,
    organizationIds: readonly string[],
  ): Promise<NamedOrganizationMember[]> {
    return this.in(manager)
      .createQueryBuilder('m')
      .leftJoinAndMapOne('m.user', User, 'u', 'u.userId = m.userId')
      .where({ organizationId: In(organizationIds) })
      .orderBy('m.createdAt')
      .addOrderBy('m.userId')
      .getMany();
  }

  /** Ends memberships. Must run inside a transaction. */
  async removeWhere(tx: EntityManager, where: FindOptionsWhere<OrganizationMember>): Promise<void> {
    await this.in(tx).remove(await this.in(tx).findBy(where));
  }
}
