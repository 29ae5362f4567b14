import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { InstantColumn, JsonColumn, NanoUsdColumn } from '../database/columns.js';
import type { NanoUsd } from '../policy/money.js';
import type { Usage } from '../policy/price.js';

/** The state of an entry. `open`: the hold is committed and the call may be running. */
export type EntryState = 'open' | 'settled' | 'released';

/**
 * The reason why the cost of an entry is not the one the upstream reported. `failed`: it is, but the client got an error.
 * `unconfirmed`: the upstream did not end its response. `provider_bill`: the cost is the provider's own bill, which differs
 * from the price. `unread_counts`: the usage has counts that no price reads.
 */
export type EntryMark =
  | 'estimated'
  | 'unconfirmed'
  | 'failed'
  | 'overrun'
  | 'abandoned'
  | 'adjustment'
  | 'provider_bill'
  | 'unread_counts';

/** The output limit of each answer, where the gateway lowered it. `asked`: that of the client, or the model's maximum if known. */
export interface Clamp {
  readonly asked: number | null;
  readonly sent: number;
}

/** The discount and margin in force for a call, and its cost without them. Amounts are USD. */
export interface EntryTerms {
  /** Share of the list price. */
  readonly discount: number;
  /** Share of the discounted cost. */
  readonly margin: number;
  /** A part of the margin: the amount for each call. */
  readonly fixed_usd: number;
  readonly list_usd: number;
  readonly discount_usd: number;
  readonly margin_usd: number;
}

/** One attempt at an upstream call: its hold and its cost. */
@Entity('ledger_entries')
@Index('ix_ledger_entries_open', ['state'], { where: "state = 'open'" })
@Index('ix_ledger_entries_tagged', ['openedAt'], { where: 'request_tags IS NOT NULL' })
@Index('ix_ledger_entries_answer', ['answerId'], { where: 'answer_id IS NOT NULL' })
@Index('ix_ledger_entries_session', ['sessionId', 'openedAt'], { where: 'session_id IS NOT NULL' })
@Index('ix_ledger_entries_trace', ['traceId', 'openedAt'], { where: 'trace_id IS NOT NULL' })
export class LedgerEntry {
  /** A time-ordered id (UUIDv7). Hold, settle and release are idempotent by it. */
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @Index()
  @Column({ name: 'chain_id', type: 'varchar', length: 36 })
  chainId: string;

  /** The replica that opened the entry. Null on SQLite, where one process runs. */
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

  /** The request id the client sees (`x-request-id`): a label, not an identity. */
  @Index()
  @Column({ name: 'request_id', type: 'varchar' })
  requestId: string;

  /** Names of the call's tags, sorted. Null if it has none. */
  @JsonColumn({ name: 'request_tags', nullable: true })
  requestTags: string[] | null;

  /** IP address of the client. Null if unknown or not stored. LiteLLM `requester_ip_address`. */
  @Column({ name: 'client_address', type: 'varchar', length: 45, nullable: true })
  clientAddress: string | null;

  /** The `id` of the upstream's answer. Null if it has none. LiteLLM `request_id`. */
  @Column({ name: 'answer_id', type: 'varchar', nullable: true })
  answerId: string | null;

  /** See `CallOrigin`, as are the four columns below. LiteLLM `session_id`. */
  @Column({ name: 'session_id', type: 'varchar', nullable: true })
  sessionId: string | null;

  @Column({ name: 'trace_id', type: 'varchar', nullable: true })
  traceId: string | null;

  @Column({ name: 'user_agent', type: 'varchar', nullable: true })
  userAgent: string | null;

  @Column({ type: 'varchar', nullable: true })
  originator: string | null;

  @JsonColumn({ name: 'spend_logs_metadata', nullable: true })
  spendLogsMetadata: Record<string, unknown> | null;

  /** The type of call: `chat_completion`, `text_completion`, `embedding` … LiteLLM `call_type`. */
  @Column({ name: 'call_type', type: 'varchar' })
  callType: string;

  /** The public model name of the call. LiteLLM `model_group`. */
  @Column({ type: 'varchar' })
  model: string;

  /** The deployment that served the call. LiteLLM `model_id`. */
  @Column({ name: 'deployment_id', type: 'varchar' })
  deploymentId: string;

  @Column({ type: 'varchar' })
  provider: string;

  /** The fields of `Usage`, as reported or estimated. */
  @JsonColumn({ nullable: true })
  usage: Usage | null;

  /** Null while open, and if the output limit was not lowered. */
  @JsonColumn({ nullable: true })
  clamp: Clamp | null;

  /** Null while open, and if the cost is that of the list price. */
  @JsonColumn({ name: 'cost_terms', nullable: true })
  costTerms: EntryTerms | null;

  @Index()
  @InstantColumn({ name: 'opened_at' })
  openedAt: Date;

  @InstantColumn({ name: 'closed_at', nullable: true })
  closedAt: Date | null;
}
