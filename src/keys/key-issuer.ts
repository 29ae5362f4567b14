import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, type FindOptionsWhere, IsNull } from 'typeorm';
import { type CacheKey, cacheKey } from '../cache/change-epochs.js';
import { CONFIG, type Config } from '../config/config.js';
import { secretsOf, VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { AccessGroupRepository } from '../parties/repositories/access-group.repository.js';
import { aliasTaken, KeyRepository } from '../parties/repositories/key.repository.js';
import { UserRepository } from '../parties/repositories/user.repository.js';
import { UserDefaults } from '../parties/user-defaults.js';
import { keyHint, newVirtualKey, secretHash, secretMatcher } from '../platform/secrets.js';
import { applyKey } from './apply-key.js';
import { requireWithinBounds, withDefaults } from './key-bounds.js';
import { KeyReferences } from './key-references.js';
import type { GenerateKeyDto, KeyFieldsDto, KeyType, RegenerateKeyDto } from './keys.dto.js';

const PRESET: Record<KeyType, string[]> = {
  default: [],
  llm_api: ['llm_api_routes'],
  management: ['management_routes'],
  read_only: ['info_routes'],
};

/** A key that was just issued. No later read returns its secret. */
export interface IssuedKey {
  readonly row: VirtualKey;
  readonly secret: string;
  readonly isUserNew: boolean;
}

/** A key that was written. */
export interface WrittenKey {
  readonly row: VirtualKey;
  /** True if its user was created for it. */
  readonly isUserNew: boolean;
}

/** Issues keys. Each method must run in a transaction, whose owner evicts `cacheKeysOf` the key from the caches. */
@Injectable()
export class KeyIssuer {
  private readonly isMasterKey: (hash: string) => boolean;

  constructor(
    private readonly keys: KeyRepository,
    private readonly users: UserRepository,
    private readonly userDefaults: UserDefaults,
    private readonly references: KeyReferences,
    private readonly accessGroups: AccessGroupRepository,
    @Inject(CONFIG)
    private readonly config: Pick<Config, 'masterKey'> & {
      readonly litellm: Pick<Config['litellm'], 'newKeys' | 'keyBounds'>;
    },
  ) {
    this.isMasterKey = secretMatcher(config.masterKey);
  }

  /** Issues a key with a new secret, or with the one chosen. Throws 404, 409 or 400 as `/key/generate` does. */
  async issue(tx: EntityManager, sent: GenerateKeyDto, by: string): Promise<IssuedKey> {
    const { newKeys, keyBounds } = this.config.litellm;
    const dto = withDefaults(sent, newKeys, keyBounds);
    requireWithinBounds(dto, keyBounds);
    const secret = dto.key ?? newVirtualKey();
    const { row, isUserNew } = await this.adopt(
      tx,
      { hash: secretHash(secret), hint: keyHint(secret) },
      { ...dto, allowed_routes: routesOf(dto) ?? [] },
      by,
    );
    return { row, secret, isUserNew };
  }

  /** Creates a key of which only the secret's hash is known. */
  async adopt(
    tx: EntityManager,
    { hash, hint }: { readonly hash: string; readonly hint: string },
    dto: KeyFieldsDto,
    by: string,
  ): Promise<WrittenKey> {
    await this.accessGroups.lockNamed(tx, dto);
    await this.references.lock(tx, dto);
    await this.requireFreeSecret(tx, hash, hint, { formerSecretHash: hash });
    const isUserNew = await this.ensureReferences(tx, dto, by);
    await this.requireFreeAlias(tx, dto.key_alias);
    const row = await this.keys.create(tx, hash, by, (key, now) => {
      key.keyName = hint;
      key.rotationCount = 0;
      applyKey(key, dto, now);
    });
    await this.references.requireOneOrganization(tx, row);
    await this.accessGroups.assign(tx, dto, row, ['keyIds', row.id]);
    return { row, isUserNew };
  }

  /** Throws 409 for the secret of another key, or the master key: a key like that would have no effect. */
  async requireFreeSecret(
    tx: EntityManager,
    hash: string,
    hint: string,
    ...holders: FindOptionsWhere<VirtualKey>[]
  ): Promise<void> {
    if (this.isMasterKey(hash) || (await this.keys.in(tx).existsBy(holders)))
      throw this.keys.alreadyExists(hint);
  }

  /** Checks that the team, organization and tier exist; creates the user if missing, and returns whether it did. */
  async ensureReferences(tx: EntityManager, dto: KeyFieldsDto, by: string): Promise<boolean> {
    await this.references.require(tx, dto);
    if (!dto.user_id || (await this.users.findForUpdate(tx, dto.user_id))) return false;
    await this.users.ensureLocked(tx, dto.user_id, by, this.userDefaults.apply);
    return true;
  }

  /** Throws 409 for the alias of another live key. */
  async requireFreeAlias(tx: EntityManager, alias: string | null | undefined): Promise<void> {
    if (!alias || !(await this.keys.in(tx).existsBy({ keyAlias: alias, deletedAt: IsNull() }))) return;
    throw aliasTaken(alias);
  }
}

/** Returns the routes a key may call, by its list or by its `key_type`. */
export const routesOf = ({ allowed_routes, key_type }: GenerateKeyDto | RegenerateKeyDto) =>
  allowed_routes ?? (key_type ? PRESET[key_type] : allowed_routes);

/**
 * Returns the cache keys of a written key: its own, and its user's if that was created for it. An existing user did not change, so
 * its calls need not read it again for every new key.
 */
export function cacheKeysOf({ row, isUserNew }: WrittenKey): CacheKey[] {
  return [...secretsOf(row), ...(isUserNew ? [cacheKey.user(row.userId!)] : [])];
}
