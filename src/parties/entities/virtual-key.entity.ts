import { Column, Entity, Index } from 'typeorm';
import { type CacheKey, cacheKey } from '../../cache/change-epochs.js';
import { lifetimeEnd } from '../../calendar/windows.js';
import { InstantColumn, IntegerColumn, JsonColumn } from '../../database/columns.js';
import { PartyRow } from '../party-row.js';
import { keyHint, secretHash } from '../../platform/secrets.js';

/** A credential this gateway issues. Only its SHA-256 and last four characters are kept. */
@Entity('virtual_keys')
export class VirtualKey extends PartyRow {
  /** SHA-256 hex of the secret; LiteLLM's `token`. Never a credential itself. */
  @Column({ name: 'secret_hash', type: 'varchar', length: 64, unique: true })
  secretHash: string;

  /** SHA-256 hex of the secret before, if that still worked after the last rotation … */
  @Index()
  @Column({ name: 'former_secret_hash', type: 'varchar', length: 64, nullable: true })
  formerSecretHash: string | null;

  /** … and until when. */
  @InstantColumn({ name: 'former_ends_at', nullable: true })
  formerEndsAt: Date | null;

  @IntegerColumn({ name: 'rotation_count', default: 0 })
  rotationCount: number;

  @InstantColumn({ name: 'last_rotated_at', nullable: true })
  lastRotatedAt: Date | null;

  /** `sk-...` and the last four characters. */
  @Column({ name: 'key_name', type: 'varchar' })
  keyName: string;

  /** One namespace for all live keys. */
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

/** When this secret of a key ends: with the key, and one that was replaced with its grace. Null: never. */
export function secretEnd(
  { secretHash, expiresAt, formerEndsAt }: Readonly<VirtualKey>,
  hash: string,
): Date | null {
  if (hash === secretHash || !formerEndsAt) return expiresAt;
  return expiresAt && expiresAt < formerEndsAt ? expiresAt : formerEndsAt;
}

/** What a key is cached as: by each of its secrets. */
export const secretsOf = ({ secretHash, formerSecretHash }: Readonly<VirtualKey>): CacheKey[] =>
  [secretHash, formerSecretHash].flatMap((hash) => (hash === null ? [] : [cacheKey.key(hash)]));

/** Gives a key a new secret; the one before stays in its place for as long as its grace, if it has one. */
export function rotate(row: VirtualKey, secret: string, grace: string | null | undefined, now: Date): void {
  const end = grace ? lifetimeEnd(now, grace) : undefined;
  row.formerSecretHash = end ? row.secretHash : null;
  row.formerEndsAt = end ?? null;
  row.secretHash = secretHash(secret);
  row.keyName = keyHint(secret);
  row.rotationCount++;
  row.lastRotatedAt = now;
}
