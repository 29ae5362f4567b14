import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { NewOrganizationDto } from '../../organizations/organizations.dto.js';
import { OrganizationsService } from '../../organizations/organizations.service.js';
import { bodyOf } from '../admin-body.js';
import type { LitellmRow } from '../litellm-database.js';
import { IMPORTER } from '../restore-row.js';
import { RowRestorer } from '../row-restorer.js';
import { type ImportContext, selectAll, type TableImporter } from './table-importer.js';
import { OrganizationRepository } from '../../parties/repositories/organization.repository.js';

@Injectable()
export class OrganizationImporter implements TableImporter {
  readonly table = 'LiteLLM_OrganizationTable';
  readonly hasPermissions = true;

  constructor(
    private readonly organizations: OrganizationsService,
    private readonly restorer: RowRestorer,
    private readonly rows: OrganizationRepository,
  ) {}

  query(): string {
    return selectAll(this.table, 'organization_id');
  }

  idOf({ organization_id }: LitellmRow): string {
    return organization_id as string;
  }

  async import(tx: EntityManager, row: LitellmRow, { warnings }: ImportContext) {
    const publicId = row.organization_id as string;
    if (await this.rows.in(tx).existsBy({ organizationId: publicId })) return 'exists';
    const dto = await bodyOf(NewOrganizationDto, row, warnings);
    const organization = await this.organizations.make(tx, publicId, dto, IMPORTER);
    await this.restorer.restoreParty(tx, this.rows, organization, row, warnings);
    return [cacheKey.organization(publicId)];
  }
}
