import { Column, Entity, Index } from 'typeorm';
import { InstantColumn, JsonColumn } from '../database/columns.js';
import { PartyRow } from '../parties/party-row.js';

/** A credential this gateway issues. Only its SHA-256 and last four characters are kept. */
@Entity('virtual_keys')
export class VirtualKey extends PartyRow {
  /** SHA-256 hex of the secret; LiteLLM's `token`. Never a credential itself. */
  @Column({ name: 'secret_hash', type: 'varchar', length: 64, unique: true })
  secretHash: string;

  /** `sk-...` and the last four characters. */
  @Column({ name: 'key_name', type: 'varchar' })
  keyName: string;

  @Index()
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

  @InstantColumn({ name: 'expires_at', nullable: true })
  expiresAt: Date | null;

  @JsonColumn({ name: 'allowed_routes', nullable: true })
  allowedRoutes: string[] | null;

  /** LiteLLM `aliases`: names this key may use for models it may call. */
  @JsonColumn({ nullable: true })
  aliases: Record<string, string> | null;
}
