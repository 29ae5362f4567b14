import { Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/columns.js';
import type { EntryMark, EntryState } from './ledger-entry.entity.js';
import { EntryAggregates } from './entry-aggregates.js';

/**
 * The sums of closed entries of one UTC day that agree in these columns. They still prove what the accounts of a
 * chain were billed.
 */
@Entity('ledger_days')
export class LedgerDay extends EntryAggregates {
  @PrimaryColumn({ name: 'chain_id', type: 'varchar', length: 36 })
  chainId: string;

  /** Midnight of the day the entries were opened. */
  @InstantColumn({ primary: true })
  day: Date;

  @PrimaryColumn({ type: 'varchar', length: 8 })
  state: Exclude<EntryState, 'open'>;

  /** Empty if the entries have no mark. */
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
