import { Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/columns.js';
import type { EntryMark, EntryState } from './ledger-entry.entity.js';
import { Summed } from './entry-aggregates.js';

/** Closed entries of one UTC day that are alike, folded into their sums. What a chain's accounts were billed stays provable. */
@Entity('ledger_days')
export class LedgerDay extends Summed {
  @PrimaryColumn({ name: 'chain_id', type: 'varchar', length: 36 })
  chainId: string;

  /** Midnight of the day the entries were opened. */
  @InstantColumn({ primary: true })
  day: Date;

  @PrimaryColumn({ type: 'varchar', length: 8 })
  state: Exclude<EntryState, 'open'>;

  /** Empty: none. */
  @PrimaryColumn({ type: 'varchar' })
  mark: EntryMark | '';

  @PrimaryColumn({ name: 'call_type', type: 'varchar' })
  callType: string;

  @PrimaryColumn({ type: 'varchar' })
  model: string;

  @PrimaryColumn({ name: 'deployment_id', type: 'varchar' })
  deploymentId: string;

  @PrimaryColumn({ type: 'varchar' })
  provider: string;
}
