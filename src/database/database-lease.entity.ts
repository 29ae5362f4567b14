import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from './columns.js';

/** A process that uses the database through a pooler, for as long as it renews this. */
@Entity('database_leases')
export class DatabaseLease {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  /** It wants the database to itself. */
  @Column({ type: 'boolean' })
  alone: boolean;

  /** By the database's clock. */
  @InstantColumn({ name: 'valid_until' })
  validUntil: Date;
}
