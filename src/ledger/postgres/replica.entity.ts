import { Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../../database/columns.js';

/** A process that shares the database. It counts as dead when it was not seen for `replica_timeout`. */
@Entity('replicas')
export class Replica {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @InstantColumn({ name: 'started_at' })
  startedAt: Date;

  @InstantColumn({ name: 'seen_at' })
  seenAt: Date;
}
