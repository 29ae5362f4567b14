import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { cacheKey } from '../../cache/change-epochs.js';
import { OrganizationMemberDto } from '../../organizations/organization-members.dto.js';
import { OrganizationMembersService } from '../../organizations/organization-members.service.js';
import { bodyOf } from '../admin-body.js';
import type { LitellmRow } from '../litellm-database.js';
import { IMPORTER } from '../restore-row.js';
import type { ImportContext, TableImporter } from './table-importer.js';
import { OrganizationMemberRepository } from '../../parties/repositories/organization-member.repository.js';

@Injectable()
export class OrganizationMemberImporter implements TableImporter {
  readonly table = 'LiteLLM_OrganizationMembership';

  constructor(
    private readonly members: OrganizationMembersService,
    private readonly rows: OrganizationMemberRepository,
  ) {}

  query(): string {
    return `SELECT * FROM "${this.table}" ORDER BY organization_id, user_id`;
  }

  idOf({ organization_id, user_id }: LitellmRow): string {
    return `${organization_id as string}/${user_id as string}`;
  }

  async import(tx: EntityManager, row: LitellmRow, { warnings, skipped }: ImportContext) {
    skipped.requireUser(row);
    const [organizationId, userId] = [row.organization_id as string, row.user_id as string];
    if (await this.rows.in(tx).existsBy({ organizationId, userId })) return 'exists';
    const member = { user_id: userId, role: row.user_role ?? 'internal_user' };
    const { role } = await bodyOf(OrganizationMemberDto, member, warnings);
    if (row.budget_id !== null)
      warnings.changed('budget_id: a budget inside an organization is not enforced here');
    await this.members.join(tx, organizationId, userId, role, IMPORTER);
    return [cacheKey.organization(organizationId), cacheKey.user(userId)];
  }
}
