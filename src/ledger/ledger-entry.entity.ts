import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn, JsonColumn, NanoUsdColumn } from '../database/columns.js';
import type { NanoUsd } from '../policy/money.js';

/** Where an entry stands. `open`: the hold is committed, the call may be under way. */
export type EntryState = 'open' | 'settled' | 'released';

/** Why an entry's cost is not simply what the upstream reported. */
export type EntryMark = 'estimated' | 'unconfirmed' | 'overrun' | 'abandoned' | 'adjustment';

/** One attempt at one upstream call: what was held for it and what it cost. */
@Entity('ledger_entries')
@Index('ix_ledger_entries_open', ['state'], { where: "state = 'open'" })
@Index('ix_ledger_entries_tagged', ['openedAt'], { where: 'request_tags IS NOT NULL' })
export class LedgerEntry {
  /** Ours, time-ordered (UUIDv7); hold, settle and release are idempotent by it. */
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @Index()
  @Column({ name: 'chain_id', type: 'varchar', length: 36 })
  chainId: string;

  /** The process that opened it; null on SQLite, where there is one. */
  @Column({ name: 'replica_id', type: 'varchar', length: 36, nullable: true })
  replicaId: string | null;

  @Column({ type: 'varchar', length: 8 })
  state: EntryState;

  @Column({ type: 'varchar', nullable: true })
  mark: EntryMark | null;

  @NanoUsdColumn({ name: 'bound_nano_usd' })
  boundNanoUsd: NanoUsd;

  /** The part of the bound that the prompt alone costs. */
  @NanoUsdColumn({ name: 'input_bound_nano_usd' })
  inputBoundNanoUsd: NanoUsd;

  /** Null while open. */
  @NanoUsdColumn({ name: 'cost_nano_usd', nullable: true })
  costNanoUsd: NanoUsd | null;

  /** The request's id as told to the client (`x-request-id`): a label, not an identity. */
  @Index()
  @Column({ name: 'request_id', type: 'varchar' })
  requestId: string;

  /** The names of the call's tags, sorted; null without any. */
  @JsonColumn({ name: 'request_tags', nullable: true })
  requestTags: string[] | null;

  /** The route family: `chat_completion`, `text_completion`, `embedding` … LiteLLM `call_type`. */
  @Column({ name: 'call_type', type: 'varchar' })
  callType: string;

  /** The public name that was called; LiteLLM `model_group`. */
  @Column({ type: 'varchar' })
  model: string;

  /** Which deployment served it; LiteLLM `model_id`. */
  @Column({ name: 'deployment_id', type: 'varchar' })
  deploymentId: string;

  @Column({ type: 'varchar' })
  provider: string;

  /** Everything in `Usage`, as reported or estimated. */
  @JsonColumn({ nullable: true })
  usage: Record<string, number> | null;

  @Index()
  @InstantColumn({ name: 'opened_at' })
  openedAt: Date;

  @InstantColumn({ name: 'closed_at', nullable: true })
  closedAt: Date | null;
}
