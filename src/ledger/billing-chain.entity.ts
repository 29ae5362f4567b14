import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * Whom a call was billed to: the accounts captured at hold time (see `Posting`) and the names reports ask for.
 * Many entries share one chain, so an entry costs one row however many accounts it touches.
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

/** One account a chain bills. Stored, so that verification never recomputes windows from today's configuration. */
@Entity('postings')
export class Posting {
  @PrimaryColumn({ name: 'chain_id', type: 'varchar', length: 36 })
  chainId: string;

  @Index()
  @PrimaryColumn({ name: 'account_id', type: 'varchar' })
  accountId: string;
}
