import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { AuthoredRow } from '../../database/authored-row.js';
import type { OrganizationRole } from '../../policy/principal.js';

/** A user inside an organization, and what it may do there. Holds no money: teams and keys do. */
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
