import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn, NanoUsdColumn } from '../database/columns.js';
import type { NanoUsd } from '../policy/money.js';

/**
 * The spend of one scope in one window. Derived: always the sum of the ledger entries whose chain names this account.
 */
@Entity('accounts')
export class Account {
  /** `<scope kind>/<scope id>/<window id>/<window start>`, see `accountId`. */
  @PrimaryColumn({ type: 'varchar' })
  id: string;

  @Column({ name: 'scope_kind', type: 'varchar' })
  scopeKind: string;

  @Column({ name: 'scope_id', type: 'varchar' })
  scopeId: string;

  /** Duration and anchor, or `endless`. A daily and a monthly window that start together are two accounts. */
  @Column({ name: 'window_id', type: 'varchar' })
  windowId: string;

  @InstantColumn({ name: 'window_start', nullable: true })
  windowStart: Date | null;

  @NanoUsdColumn({ name: 'spent_nano_usd' })
  spentNanoUsd: NanoUsd;

  /** Money held by open calls. Null if no limit applies, or if memory counts it (SQLite). */
  @NanoUsdColumn({ name: 'held_nano_usd', nullable: true })
  heldNanoUsd: NanoUsd | null;
}
