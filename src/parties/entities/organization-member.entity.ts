import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { AuthoredRow } from '../../database/authored-row.js';
import type { OrganizationRole } from '../../policy/principal.js';

/** A user inside an organization, with its role there. It has no money of its own: teams and keys have. */
@Entity('organization_members')
export class OrganizationMember extends AuthoredRow {
  @PrimaryColumn({ name: 'organization_id', type: 'varchar' })
  organizationId: string;

  @Index()
  @PrimaryColumn({ name: 'user_id', type: 'varchar' })
  userId: string;

  @Column({ type: 'varchar' })
  role: OrganizationRole;
}
