import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { KeyFieldsDto } from '../../keys/keys.dto.js';
import { cacheKeysOf, KeyIssuer } from '../../keys/key-issuer.js';
import { keyHint } from '../../platform/secrets.js';
import { bodyOf } from '../admin-body.js';
import type { LitellmDatabase, LitellmRow } from '../litellm-database.js';
import { IMPORTER } from '../restore-row.js';
import { RowRestorer } from '../row-restorer.js';
import { SkippedRowError } from '../skipped-row.error.js';
import { type ImportContext, selectAll, type TableImporter } from './table-importer.js';
import { KeyRepository } from '../../parties/repositories/key.repository.js';

const SHA256 = /^[0-9a-f]{64}$/;

@Injectable()
export class KeyImporter implements TableImporter {
  readonly table = 'LiteLLM_VerificationToken';
  readonly hasPermissions = true;

  constructor(
    private readonly issuer: KeyIssuer,
    private readonly restorer: RowRestorer,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly rows: KeyRepository,
  ) {}

  query(litellm: LitellmDatabase): string {
    return litellm.has('LiteLLM_DeprecatedVerificationToken')
      ? KEYS_WITH_FORMER_SECRETS
      : selectAll(this.table, 'token');
  }

  /** Returns the hash of the key. Another text may be a secret, so it is shortened. */
  idOf({ token }: LitellmRow): string {
    return SHA256.test(token as string) ? (token as string) : keyHint(token as string);
  }

  async import(tx: EntityManager, row: LitellmRow, { warnings, skipped }: ImportContext) {
    skipped.requireUser(row);
    skipped.requireMember(row);
    const hash = row.token as string;
    if (await this.rows.in(tx).existsBy({ secretHash: hash })) return 'exists';
    if (!SHA256.test(hash))
      throw new SkippedRowError('token: is no SHA-256 in hex, so no key can be proven by it');
    if (row.project_id) throw new SkippedRowError('project_id: there are no projects here to limit it');
    const dto = await bodyOf(KeyFieldsDto, row, warnings);
    const hint = (row.key_name as string | null) ?? 'sk-...';
    const adopted = await this.issuer.adopt(tx, { hash, hint }, dto, IMPORTER);
    const { row: key } = adopted;
    key.expiresAt = row.expires as Date | null;
    key.rotationCount = (row.rotation_count as number | null) ?? 0;
    key.lastRotatedAt = (row.last_rotation_at as Date | null) ?? null;
    if (row.former_token && (row.former_ends_at as Date) > this.clock()) {
      const former = row.former_token as string;
      const why = await this.whyNotFormer(tx, former, row);
      if (why) warnings.changed(`the secret before: ${why}, so it is not taken`);
      else {
        key.formerSecretHash = former;
        key.formerEndsAt = row.former_ends_at as Date;
      }
    }
    await this.restorer.restoreParty(tx, this.rows, key, row, warnings);
    return cacheKeysOf(adopted);
  }

  /**
   * Returns the reason why a hash cannot be a former secret. A key whose hash is also another key's former secret would
   * authenticate as that other key. Its own block, budget and rights would have no effect.
   */
  private async whyNotFormer(tx: EntityManager, hash: string, row: LitellmRow): Promise<string | undefined> {
    if (!SHA256.test(hash)) return 'is no SHA-256 in hex';
    const isTaken =
      row.former_is_key === true ||
      (await this.rows.in(tx).existsBy([{ secretHash: hash }, { formerSecretHash: hash }]));
    return isTaken ? 'is a key of its own' : undefined;
  }
}

/** Each key with the former secret that works the longest. */
const KEYS_WITH_FORMER_SECRETS = `SELECT k.*, f.token AS former_token, f.revoke_at AS former_ends_at, f.is_key AS former_is_key
  FROM "LiteLLM_VerificationToken" k LEFT JOIN LATERAL (
    SELECT d.token, d.revoke_at, EXISTS (SELECT FROM "LiteLLM_VerificationToken" o WHERE o.token = d.token) AS is_key
    FROM "LiteLLM_DeprecatedVerificationToken" d
    WHERE d.active_token_id = k.token ORDER BY is_key, d.revoke_at DESC LIMIT 1
  ) f ON true ORDER BY k.token`;
