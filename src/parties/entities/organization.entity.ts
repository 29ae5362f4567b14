import { Column, Entity } from 'typeorm';
import { PartyRow } from '../party-row.js';

/** A tenant: teams and keys belong to it. */
@Entity('organizations')
export class Organization extends PartyRow {
  @Column({ name: 'organization_id', type: 'varchar', unique: true })
  organizationId: string;

  @Column({ name: 'organization_alias', type: 'varchar' })
  organizationAlias: string;
}
