import { Column, Entity, Index } from 'typeorm';
import { PartyRow } from '../parties/party-row.js';

/** A person or application inside the company. LiteLLM's internal user. */
@Entity('users')
export class User extends PartyRow {
  @Column({ name: 'user_id', type: 'varchar', unique: true })
  userId: string;

  @Column({ name: 'user_alias', type: 'varchar', nullable: true })
  userAlias: string | null;

  @Index()
  @Column({ name: 'user_email', type: 'varchar', nullable: true })
  userEmail: string | null;

  @Column({ name: 'user_role', type: 'varchar', nullable: true })
  userRole: string | null;

  @Column({ name: 'sso_user_id', type: 'varchar', nullable: true })
  ssoUserId: string | null;
}
