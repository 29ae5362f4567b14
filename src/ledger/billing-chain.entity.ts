import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * The accounts a call is billed to, as they were at its hold (see `Posting`), and the names that reports filter by.
 * Entries share chains, so an entry costs one row however many accounts it bills.
 */
@Entity('chains')
export class BillingChainRow {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id: string;

  /** SHA-256 of the key; null for the master key. */
  @Index()
  @Column({ name: 'key_hash', type: 'varchar', nullable: true })
  keyHash: string | null;

  @Column({ name: 'key_alias', type: 'varchar', nullable: true })
  keyAlias: string | null;

  @Index()
  @Column({ name: 'user_id', type: 'varchar', nullable: true })
  userId: string | null;

  @Index()
  @Column({ name: 'team_id', type: 'varchar', nullable: true })
  teamId: string | null;

  @Index()
  @Column({ name: 'organization_id', type: 'varchar', nullable: true })
  organizationId: string | null;

  @Index()
  @Column({ name: 'end_user_id', type: 'varchar', nullable: true })
  endUserId: string | null;
}

/**
 * One account that a chain bills. Stored, so that verification never recomputes windows from today's configuration.
 */
@Entity('postings')
export class Posting {
  @PrimaryColumn({ name: 'chain_id', type: 'varchar', length: 36 })
  chainId: string;

  @Index()
  @PrimaryColumn({ name: 'account_id', type: 'varchar' })
  accountId: string;
}
