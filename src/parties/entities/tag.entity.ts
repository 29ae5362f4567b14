import { Column, Entity } from 'typeorm';
import { PartyRow } from '../party-row.js';

/** A label on calls that has limits of its own. Labels without a row are only written down. */
@Entity('tags')
export class Tag extends PartyRow {
  @Column({ type: 'varchar', unique: true })
  name: string;

  @Column({ type: 'text', nullable: true })
  description: string | null;
}
