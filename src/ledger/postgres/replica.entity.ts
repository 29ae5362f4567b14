import { Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../../database/columns.js';

/** A process that shares the database. Whoever was not seen for a while is dead. */
@Entity('replicas')
export class Replica {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @InstantColumn({ name: 'started_at' })
  startedAt: Date;

  @InstantColumn({ name: 'seen_at' })
  seenAt: Date;
}
