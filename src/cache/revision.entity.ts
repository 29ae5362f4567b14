import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/columns.js';

/** How often what a cache key names was written. Written in the transaction of the change, so it can be trusted. */
@Entity('revisions')
export class Revision {
  /** A cache key: `key:<hash>`, `team_id:<id>` … */
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
