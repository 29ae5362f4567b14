import { Column, Entity, PrimaryColumn } from 'typeorm';
import { InstantColumn, NanoUsdColumn } from '../database/columns.js';
import type { NanoUsd } from '../policy/money.js';
import type { EntryMark, EntryState } from './ledger-entry.entity.js';

/** Closed entries of one UTC day that are alike, folded into their sums. What a chain's accounts were billed stays provable. */
@Entity('ledger_days')
export class LedgerDay {
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

  @Column({ type: 'bigint' })
  entries: string;

  @NanoUsdColumn({ name: 'cost_nano_usd' })
  costNanoUsd: NanoUsd;

  @Column({ name: 'input_tokens', type: 'bigint' })
  inputTokens: string;

  @Column({ name: 'output_tokens', type: 'bigint' })
  outputTokens: string;

  @Column({ name: 'cached_input_tokens', type: 'bigint' })
  cachedInputTokens: string;

  @Column({ name: 'cache_write_tokens', type: 'bigint' })
  cacheWriteTokens: string;
}
