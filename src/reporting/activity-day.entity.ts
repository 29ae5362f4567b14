import { Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/columns.js';
import type { EntryState } from '../ledger/ledger-entry.entity.js';
import { EntryAggregates } from '../ledger/entry-aggregates.js';

/**
 * What the closed calls of one UTC day that are alike came to, for reports: in the row without a tag once, and again in
 * that of each of their tags. Made of the ledger, and no part of it: no balance is read from here.
 */
@Entity('activity_days')
@Index(['chainId', 'day'])
@Index('ix_activity_days_tagged', ['day'], { where: "tag <> ''" })
export class ActivityDay extends EntryAggregates {
  /** Empty: all calls. */
  @PrimaryColumn({ type: 'varchar' })
  tag: string;

  @InstantColumn({ primary: true })
  day: Date;

  @PrimaryColumn({ name: 'chain_id', type: 'varchar', length: 36 })
  chainId: string;

  @PrimaryColumn({ type: 'varchar', length: 8 })
  state: Exclude<EntryState, 'open'>;

  @PrimaryColumn({ name: 'call_type', type: 'varchar' })
  callType: string;

  @PrimaryColumn({ type: 'varchar' })
  model: string;

  @PrimaryColumn({ type: 'varchar' })
  provider: string;
}

/** How far the ledger is summed up: the one row says that everything opened `until` then is in `activity_days`. */
@Entity('activity_progress')
export class ActivityProgress {
  @PrimaryColumn({ type: 'varchar' })
  name: string;

  @InstantColumn()
  until: Date;
}
