import { Entity, PrimaryColumn } from 'typeorm';
import { AuthoredRow } from '../database/authored-row.js';
import { JsonColumn } from '../database/columns.js';

/** A setting that an admin changed at runtime. It replaces the one of the configuration file. */
@Entity('settings')
export class StoredSetting extends AuthoredRow {
  /** Its name in the configuration file. */
  @PrimaryColumn({ type: 'varchar' })
  name: string;

  @JsonColumn()
  value: Record<string, unknown>;
}
