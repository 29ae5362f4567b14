import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/columns.js';

/** The number of writes to the rows of a cache key. Written in the transaction of the change, so it is reliable. */
@Entity('revisions')
export class Revision {
  /** The cache key: `key:<hash>`, `team_id:<id>` … */
  @PrimaryColumn({ type: 'varchar' })
  subject: string;

  @Column({ type: 'bigint' })
  revision: string;

  /** The transaction of the last change, PostgreSQL's `xid8`. */
  @Index()
  @Column({ name: 'changed_in', type: 'bigint' })
  changedIn: string;

  @InstantColumn({ name: 'changed_at' })
  changedAt: Date;
}
