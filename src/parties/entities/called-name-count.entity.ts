import { Entity, PrimaryColumn } from 'typeorm';
import { IntegerColumn } from '../../database/columns.js';

/** The number of rows of end users and tags that the calls of one key created on one UTC day. */
@Entity('called_name_counts')
export class CalledNameCount {
  /** The internal id of a key, or the id of a caller without a key. */
  @PrimaryColumn({ type: 'varchar' })
  caller: string;

  /** `2026-11-30`. */
  @PrimaryColumn({ type: 'varchar', length: 10 })
  day: string;

  @IntegerColumn({ name: 'rows_made' })
  rowsMade: number;
}
