import { Entity, PrimaryColumn } from 'typeorm';
import { IntegerColumn } from '../../database/columns.js';

/** How many rows of end users and tags the calls of one key made on one UTC day. */
@Entity('called_name_counts')
export class CalledNameCount {
  /** The internal id of a key; else the id of the caller. */
  @PrimaryColumn({ type: 'varchar' })
  caller: string;

  /** `2026-11-30`. */
  @PrimaryColumn({ type: 'varchar', length: 10 })
  day: string;

  @IntegerColumn({ name: 'rows_made' })
  rowsMade: number;
}
