import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { Organization } from '../../parties/entities/organization.entity.js';
import { NewOrganizationDto } from '../../organizations/organizations.dto.js';
import { OrganizationsService } from '../../organizations/organizations.service.js';
import { bodyOf } from '../admin-body.js';
import type { LitellmRow } from '../litellm-database.js';
import { IMPORTER } from '../restore-row.js';
import { RowRestorer } from '../row-restorer.js';
import { type ImportContext, selectAll, type TableImporter } from './table-importer.js';

@Injectable()
export class OrganizationImporter implements TableImporter {
  readonly table = 'LiteLLM_OrganizationTable';
  readonly hasPermissions = true;

  constructor(
    private readonly organizations: OrganizationsService,
    private readonly restorer: RowRestorer,
  ) {}

  query(): string {
    return selectAll(this.table, 'organization_id');
  }

  idOf({ organization_id }: LitellmRow): string {
    return organization_id as string;
  }

  async import(tx: EntityManager, row: LitellmRow, { warnings }: ImportContext) {
    const publicId = row.organization_id as string;
    if (await tx.existsBy(Organization, { organizationId: publicId })) return 'exists';
    const dto = await bodyOf(NewOrganizationDto, row, warnings);
    const made = await this.organizations.make(tx, publicId, dto, IMPORTER);
    const party = { kind: 'organization', entity: Organization, row: made, publicId } as const;
    await this.restorer.restoreParty(tx, party, row, warnings);
    return [cacheKey.organization(publicId)];
  }
}
