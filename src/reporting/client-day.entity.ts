import { Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn } from '../database/columns.js';
import { EntryAggregates } from '../ledger/entry-aggregates.js';
import type { ClientNameKind } from '../ledger/ledger-calls.query.js';
import type { EntryState } from '../ledger/ledger-entry.entity.js';

/** The sums of closed calls of one UTC day and one client program, like `ActivityDay`. */
@Entity('client_days')
@Index('ix_client_days', ['kind', 'day'])
export class ClientDay extends EntryAggregates {
  @PrimaryColumn({ type: 'varchar', length: 16 })
  kind: ClientNameKind;

  /** `other`: the day has too many names. */
  @PrimaryColumn({ type: 'varchar' })
  name: string;

  @InstantColumn({ primary: true })
  day: Date;

  @PrimaryColumn({ name: 'chain_id', type: 'varchar', length: 36 })
  chainId: string;

  @PrimaryColumn({ type: 'varchar', length: 8 })
  state: Exclude<EntryState, 'open'> | 'failed';

  @PrimaryColumn({ name: 'call_type', type: 'varchar' })
  callType: string;

  @PrimaryColumn({ type: 'varchar' })
  model: string;

  @PrimaryColumn({ type: 'varchar' })
  provider: string;
}

/** A name that has its own sums on one day. */
@Entity('client_names')
export class ClientName {
  @PrimaryColumn({ type: 'varchar', length: 16 })
  kind: ClientNameKind;

  @InstantColumn({ primary: true })
  day: Date;

  @PrimaryColumn({ type: 'varchar' })
  name: string;
}
