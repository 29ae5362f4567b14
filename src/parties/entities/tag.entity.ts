import { Column, Entity } from 'typeorm';
import { TAG_FIELDS } from '../fields/tag-fields.js';
import { StoresFields } from '../fields/own-field.js';
import { PartyRow } from '../party-row.js';

/** A label on calls that has limits of its own. A label without a row is only recorded. */
@Entity('tags')
@StoresFields(TAG_FIELDS)
export class Tag extends PartyRow {
  @Column({ type: 'varchar', unique: true })
  name: string;

  @Column({ type: 'text', nullable: true })
  description: string | null;
}
