import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn, JsonColumn } from '../database/columns.js';

export const AUDIT_ACTIONS = ['created', 'updated', 'deleted', 'blocked', 'unblocked', 'rotated'] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** One row that somebody changed, written in the transaction that changed it. */
@Entity('audit_entries')
export class AuditEntry {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @Index()
  @InstantColumn()
  at: Date;

  @Index()
  @Column({ name: 'changed_by', type: 'varchar' })
  changedBy: string;

  /** The hash of the key that was presented; null for the master key and what no request did. */
  @Column({ name: 'key_hash', type: 'varchar', nullable: true })
  keyHash: string | null;

  /** The `x-request-id` of the answer; null for what no request did. */
  @Index()
  @Column({ name: 'request_id', type: 'varchar', nullable: true })
  requestId: string | null;

  @Column({ type: 'varchar' })
  action: AuditAction;

  /** LiteLLM's name of the table. */
  @Column({ name: 'table_name', type: 'varchar' })
  tableName: string;

  /** What names the row in public; of a key its hash. */
  @Index()
  @Column({ name: 'object_id', type: 'varchar' })
  objectId: string;

  /** Of what belongs to a team. */
  @Index()
  @Column({ name: 'team_id', type: 'varchar', nullable: true })
  teamId: string | null;

  /** What was changed, as it was; the whole of what was deleted. Null: it was not there. */
  @JsonColumn({ name: 'before_value', nullable: true })
  beforeValue: Record<string, unknown> | null;

  /** What was changed, as it is now; the whole of what was made. Null: it is gone. */
  @JsonColumn({ name: 'updated_values', nullable: true })
  updatedValues: Record<string, unknown> | null;
}
