import { Column, Entity, Index } from 'typeorm';
import { type CacheKey, cacheKey } from '../../cache/change-epochs.js';
import { lifetimeEnd } from '../../calendar/windows.js';
import { InstantColumn, IntegerColumn, JsonColumn } from '../../database/columns.js';
import { KEY_FIELDS } from '../fields/key-fields.js';
import { StoresFields } from '../fields/own-field.js';
import { PartyRow } from '../party-row.js';
import { keyHint, secretHash } from '../../platform/secrets.js';

/** A credential that the gateway issues. The row stores only its SHA-256 and its last four characters. */
@Entity('virtual_keys')
@StoresFields(KEY_FIELDS)
export class VirtualKey extends PartyRow {
  /** SHA-256 hex of the secret; LiteLLM's `token`. It is not a credential. */
  @Column({ name: 'secret_hash', type: 'varchar', length: 64, unique: true })
  secretHash: string;

  /** SHA-256 hex of the previous secret, if the last rotation gave it a grace period. */
  @Index()
  @Column({ name: 'former_secret_hash', type: 'varchar', length: 64, nullable: true })
  formerSecretHash: string | null;

  /** End of the grace period of the previous secret. */
  @InstantColumn({ name: 'former_ends_at', nullable: true })
  formerEndsAt: Date | null;

  @IntegerColumn({ name: 'rotation_count', default: 0 })
  rotationCount: number;

  @InstantColumn({ name: 'last_rotated_at', nullable: true })
  lastRotatedAt: Date | null;

  /** `sk-...` and the last four characters. */
  @Column({ name: 'key_name', type: 'varchar' })
  keyName: string;

  /** All live keys share one namespace of aliases. */
  @Index()
  @Index('live_key_alias', { unique: true, where: "deleted_at IS NULL AND key_alias <> ''" })
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

/**
 * Returns the expiry of a secret: the key's own, or for a rotated secret the end of its grace period if that is
 * earlier. Null: never.
 */
export function secretEnd(
  { secretHash, expiresAt, formerEndsAt }: Readonly<VirtualKey>,
  hash: string,
): Date | null {
  if (hash === secretHash || !formerEndsAt) return expiresAt;
  return expiresAt && expiresAt < formerEndsAt ? expiresAt : formerEndsAt;
}

/** Returns the cache keys of a virtual key, one for each of its secrets. */
export const secretsOf = ({ secretHash, formerSecretHash }: Readonly<VirtualKey>): CacheKey[] =>
  [secretHash, formerSecretHash].flatMap((hash) => (hash === null ? [] : [cacheKey.key(hash)]));

/** Gives a key a new secret. The previous secret stays valid for the grace period, if there is one. */
export function rotate(row: VirtualKey, secret: string, grace: string | null | undefined, now: Date): void {
  const end = grace ? lifetimeEnd(now, grace) : undefined;
  row.formerSecretHash = end ? row.secretHash : null;
  row.formerEndsAt = end ?? null;
  row.secretHash = secretHash(secret);
  row.keyName = keyHint(secret);
  row.rotationCount++;
  row.lastRotatedAt = now;
}
