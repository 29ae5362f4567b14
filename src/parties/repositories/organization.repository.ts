import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { Organization } from '../entities/organization.entity.js';
import { PartyRepository } from './party.repository.js';
import { PartyRepositoryContext } from './party-repository-context.js';

/** Organizations, live and deleted. */
@Injectable()
export class OrganizationRepository extends PartyRepository<Organization> {
  constructor(
    @InjectRepository(Organization) rows: Repository<Organization>,
    context: PartyRepositoryContext,
  ) {
    super(
      {
        entity: Organization,
        kind: 'organization',
        where: (organizationId) => ({ organizationId }),
        idOf: ({ organizationId }) => organizationId,
        cacheKey: cacheKey.organization,
        title: 'Organization',
        param: 'organization_id',
      },
      rows,
      context,
    );
  }
}
