import { Column, Entity } from 'typeorm';
import { ORGANIZATION_FIELDS } from '../fields/organization-fields.js';
import { StoresFields } from '../fields/own-field.js';
import { PartyRow } from '../party-row.js';

/** A tenant: teams and keys belong to it. */
@Entity('organizations')
@StoresFields(ORGANIZATION_FIELDS)
export class Organization extends PartyRow {
  @Column({ name: 'organization_id', type: 'varchar', unique: true })
  organizationId: string;

  @Column({ name: 'organization_alias', type: 'varchar' })
  organizationAlias: string;
}
