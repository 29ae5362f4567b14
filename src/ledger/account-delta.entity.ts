import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { NanoUsdColumn } from '../database/columns.js';
import type { NanoUsd } from '../policy/money.js';

/**
 * Spend on an account without a limit, until it is folded into the balance. Calls add rows here, so none waits for
 * the account's row.
 */
@Entity('account_deltas')
export class AccountDelta {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  @Index()
  @Column({ name: 'account_id', type: 'varchar' })
  accountId: string;

  @NanoUsdColumn({ name: 'amount_nano_usd' })
  amountNanoUsd: NanoUsd;
}
