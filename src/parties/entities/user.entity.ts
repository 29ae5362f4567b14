import { BeforeInsert, BeforeUpdate, Column, Entity, Index } from 'typeorm';
import { foldedAddress } from '../../platform/folded-address.js';
import { USER_FIELDS } from '../fields/user-fields.js';
import { StoresFields } from '../fields/own-field.js';
import { PartyRow } from '../party-row.js';

/** A person or application inside the company. LiteLLM's internal user. */
@Entity('users')
@StoresFields(USER_FIELDS)
export class User extends PartyRow {
  @Column({ name: 'user_id', type: 'varchar', unique: true })
  userId: string;

  @Column({ name: 'user_alias', type: 'varchar', nullable: true })
  userAlias: string | null;

  @Index()
  @Column({ name: 'user_email', type: 'varchar', nullable: true })
  userEmail: string | null;

  /**
   * The address in the form in which it is compared. No two live users have the same. Every save of the row writes it.
   */
  @Index('live_user_email', { unique: true, where: 'deleted_at IS NULL' })
  @Column({ name: 'folded_email', type: 'varchar', nullable: true })
  foldedEmail: string | null;

  @Column({ name: 'user_role', type: 'varchar', nullable: true })
  userRole: string | null;

  @Index('live_sso_user_id', { unique: true, where: "deleted_at IS NULL AND sso_user_id <> ''" })
  @Column({ name: 'sso_user_id', type: 'varchar', nullable: true })
  ssoUserId: string | null;

  @BeforeInsert()
  @BeforeUpdate()
  foldEmail(): void {
    this.foldedEmail = this.userEmail ? foldedAddress(this.userEmail) : null;
  }
}
