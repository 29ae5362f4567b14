import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn, IntegerColumn } from '../database/columns.js';

/** Something an account crossed, and whether its webhook took it. One row per account (so per window) and threshold. */
@Entity('alerts')
export class Alert {
  /** `<account id>@<threshold>` */
  @PrimaryColumn({ type: 'varchar' })
  id: string;

  /** The JSON that is posted, signed as it is. */
  @Column({ type: 'text' })
  body: string;

  @InstantColumn({ name: 'created_at' })
  createdAt: Date;

  @IntegerColumn()
  attempts: number;

  /** Null: delivered, or given up. */
  @Index()
  @InstantColumn({ name: 'due_at', nullable: true })
  dueAt: Date | null;
}
