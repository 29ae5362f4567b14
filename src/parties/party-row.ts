import { Column, PrimaryColumn } from 'typeorm';
import { InstantColumn, JsonColumn } from '../database/columns.js';
import { LimitsRow } from './limits-row.js';

/**
 * The common columns of keys, users, teams, members, organizations, end users and tags: they can be blocked, limited
 * and billed. Rows are never removed. A deletion sets `deletedAt`. A creation with the same public id revives the row,
 * so its accounts continue and nothing is refilled.
 */
export abstract class PartyRow extends LimitsRow {
  /** Internal, immutable id that accounts are named by. Never a token hash, an alias or an id that a client chose. */
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @Column({ type: 'boolean' })
  blocked: boolean;

  /** Models as sent. Null or `[]` is unrestricted at this level. */
  @JsonColumn({ nullable: true })
  models: string[] | null;

  /** The public id of a tier (`/budget/new`). Its limits fill the ones this row leaves open. */
  @Column({ name: 'budget_id', type: 'varchar', nullable: true })
  budgetId: string | null;

  @JsonColumn({ nullable: true })
  metadata: Record<string, unknown> | null;

  /** Further LiteLLM fields, stored as sent so that a read returns what was written. */
  @JsonColumn({ name: 'extra', nullable: true })
  extra: Record<string, unknown> | null;

  @InstantColumn({ name: 'deleted_at', nullable: true })
  deletedAt: Date | null;
}
