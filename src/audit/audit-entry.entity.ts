import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn, JsonColumn } from '../database/columns.js';

export const AUDIT_ACTIONS = ['created', 'updated', 'deleted', 'blocked', 'unblocked', 'rotated'] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** One change of a row, written in the transaction of the change. */
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

  /** The hash of the request's key. Null for the master key and for changes without a request. */
  @Column({ name: 'key_hash', type: 'varchar', nullable: true })
  keyHash: string | null;

  /** The `x-request-id` of the response. Null for changes without a request. */
  @Index()
  @Column({ name: 'request_id', type: 'varchar', nullable: true })
  requestId: string | null;

  /** IP address of the client. Null if unknown or not stored. */
  @Column({ name: 'client_address', type: 'varchar', length: 45, nullable: true })
  clientAddress: string | null;

  @Column({ type: 'varchar' })
  action: AuditAction;

  /** LiteLLM's name of the table. */
  @Column({ name: 'table_name', type: 'varchar' })
  tableName: string;

  /** The public id of the row; the hash of a key. */
  @Index()
  @Column({ name: 'object_id', type: 'varchar' })
  objectId: string;

  /** The team that the row belongs to. */
  @Index()
  @Column({ name: 'team_id', type: 'varchar', nullable: true })
  teamId: string | null;

  /** The changed values before the change; all values of a deleted row. Null for a new row. */
  @JsonColumn({ name: 'before_value', nullable: true })
  beforeValue: Record<string, unknown> | null;

  /** The changed values after the change; all values of a new row. Null for a deleted row. */
  @JsonColumn({ name: 'updated_values', nullable: true })
  updatedValues: Record<string, unknown> | null;
}
