import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn, IntegerColumn } from '../database/columns.js';

/** An alert about an account and its delivery. One row per account (so per window) and threshold. */
@Entity('alerts')
export class Alert {
  /** `<account id>@<threshold>` */
  @PrimaryColumn({ type: 'varchar' })
  id: string;

  /** The JSON body, which is signed as stored. */
  @Column({ type: 'text' })
  body: string;

  @InstantColumn({ name: 'created_at' })
  createdAt: Date;

  @IntegerColumn()
  attempts: number;

  /** Null if delivered or given up. */
  @Index()
  @InstantColumn({ name: 'due_at', nullable: true })
  dueAt: Date | null;
}
