import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from './columns.js';

/** The lease of a process that uses the database through a pooler. The process renews it. */
@Entity('database_leases')
export class DatabaseLease {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  /** True if the process needs the database to itself. */
  @Column({ type: 'boolean' })
  alone: boolean;

  /** On the database's clock. */
  @InstantColumn({ name: 'valid_until' })
  validUntil: Date;
}
