import { Column, PrimaryColumn } from 'typeorm';
import { InstantColumn, JsonColumn } from '../database/columns.js';
import { LimitsRow } from './limits-row.js';

/**
 * What keys, users, teams, members, organizations, end users and tags have in common: they can be blocked, limited
 * and billed. Rows are never removed: deleting sets `deletedAt`, creating the same public id again revives the
 * row, so its accounts go on and nothing is refilled.
 */
export abstract class PartyRow extends LimitsRow {
  /** Ours and immutable: what accounts are named by. Never a token hash, an alias or a client-chosen id. */
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @Column({ type: 'boolean' })
  blocked: boolean;

  /** As sent: null or `[]` is unrestricted at this level. */
  @JsonColumn({ nullable: true })
  models: string[] | null;

  /** The public id of a tier (`/budget/new`) whose limits fill those this row leaves open. */
  @Column({ name: 'budget_id', type: 'varchar', nullable: true })
  budgetId: string | null;

  @JsonColumn({ nullable: true })
  metadata: Record<string, unknown> | null;

  /** Further LiteLLM fields, kept as sent so that a read returns what was written. */
  @JsonColumn({ name: 'extra', nullable: true })
  extra: Record<string, unknown> | null;

  @InstantColumn({ name: 'deleted_at', nullable: true })
  deletedAt: Date | null;
}
