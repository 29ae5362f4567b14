import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/columns.js';
import type { OrganizationRole } from '../policy/authority.js';

/** A user inside an organization, and what it may do there. Holds no money: teams and keys do. */
@Entity('organization_members')
export class OrganizationMember {
  @PrimaryColumn({ name: 'organization_id', type: 'varchar' })
  organizationId: string;

  @Index()
  @PrimaryColumn({ name: 'user_id', type: 'varchar' })
  userId: string;

  @Column({ type: 'varchar' })
  role: OrganizationRole;

  @InstantColumn({ name: 'created_at' })
  createdAt: Date;

  @Column({ name: 'created_by', type: 'varchar' })
  createdBy: string;

  @InstantColumn({ name: 'updated_at' })
  updatedAt: Date;

  @Column({ name: 'updated_by', type: 'varchar' })
  updatedBy: string;
}
