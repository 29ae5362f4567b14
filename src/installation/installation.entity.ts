import { Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/columns.js';

/** The one row that identifies this database. Its id is random. */
@Entity('installation')
export class InstallationRow {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @InstantColumn({ name: 'made_at' })
  madeAt: Date;
}
