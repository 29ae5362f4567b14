import { Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/columns.js';
import type { EntryState } from '../ledger/ledger-entry.entity.js';
import { EntryAggregates } from '../ledger/entry-aggregates.js';

/**
 * The sums of closed calls of one UTC day that agree in these columns, for reports. One row without a tag, and one
 * per tag. Derived from the ledger: no balance is read from here.
 */
@Entity('activity_days')
@Index(['chainId', 'day'])
@Index('ix_activity_days_tagged', ['day'], { where: "tag <> ''" })
export class ActivityDay extends EntryAggregates {
  /** Empty for the row of all calls. */
  @PrimaryColumn({ type: 'varchar' })
  tag: string;

  @InstantColumn({ primary: true })
  day: Date;

  @PrimaryColumn({ name: 'chain_id', type: 'varchar', length: 36 })
  chainId: string;

  /** `failed`: the call failed and may have been billed. */
  @PrimaryColumn({ type: 'varchar', length: 8 })
  state: Exclude<EntryState, 'open'> | 'failed';

  @PrimaryColumn({ name: 'call_type', type: 'varchar' })
  callType: string;

  @PrimaryColumn({ type: 'varchar' })
  model: string;

  @PrimaryColumn({ type: 'varchar' })
  provider: string;
}

/** The progress of the sums: entries opened before `until` are in `activity_days`. */
@Entity('activity_progress')
export class ActivityProgress {
  @PrimaryColumn({ type: 'varchar' })
  name: string;

  @InstantColumn()
  until: Date;
}
