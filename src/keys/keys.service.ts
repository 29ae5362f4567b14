import { BadRequestException, ForbiddenException, HttpException, Inject, Injectable } from '@nestjs/common';
import { MissingRowException } from '../http/missing-row.exception.js';
import { type EntityManager, In, IsNull } from 'typeorm';
import { CONFIG, type Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { limitsView } from '../parties/limits.view.js';
import { KeyRepository } from '../parties/repositories/key.repository.js';
import { toNanoUsd, toUsd } from '../parties/usd.js';
import {
  administersKey,
  type Principal,
  isProxyAdmin,
  mayChangeKey,
  maySeeKey,
} from '../policy/principal.js';
import { keyHashOf, keyHint, newVirtualKey, secretHash } from '../platform/secrets.js';
import { Traced } from '../tracing/traced.js';
import { applyKey } from './apply-key.js';
import { requireWithinBounds } from './key-bounds.js';
import { KeyDelegation, notPermitted, SERVICE_ACCOUNT } from './key-delegation.js';
import { KeyReferences } from './key-references.js';
import { cacheKeysOf, type IssuedKey, KeyIssuer, routesOf, type WrittenKey } from './key-issuer.js';
import { keyInfo, keyView } from './key.view.js';
import type {
  BulkKeyUpdate,
  DeleteKeysDto,
  GeneratedKey,
  GenerateKeyDto,
  KeyFieldsDto,
  KeyInfo,
  KeyRow,
  RegenerateKeyDto,
  ResetSpendDto,
  SpendResetResponse,
  UpdatedKey,
  UpdateKeyDto,
} from './keys.dto.js';
import { rotate, secretsOf, VirtualKey } from '../parties/entities/virtual-key.entity.js';
import { AccessGroupRepository } from '../parties/repositories/access-group.repository.js';

/** Issues, changes and revokes virtual keys. */
@Injectable()
export class KeysService {
  constructor(
    private readonly database: Database,
    private readonly issuer: KeyIssuer,
    private readonly delegation: KeyDelegation,
    private readonly keys: KeyRepository,
    @Inject(CONFIG)
    private readonly config: { readonly litellm: Pick<Config['litellm'], 'keyBounds'> },
    private readonly references: KeyReferences,
    private readonly accessGroups: AccessGroupRepository,
  ) {}

  /**
   * Returns the live key whose current or former secret has this hash, cached; null if there is none. `secretEnd` gives
   * its expiry.
   */
  @Traced('get_key_object')
  getByHash(hash: string): Promise<Readonly<VirtualKey> | null> {
    return this.keys.get(hash, (manager) => this.keys.withSecret(manager, hash));
  }

  /**
   * Issues a key. Throws 404 if its team, organization or tier does not exist, and 409 if the key or its alias exists.
   */
  async generate(dto: GenerateKeyDto, caller: Principal, route = '/key/generate'): Promise<GeneratedKey> {
    const issued = await this.keys.write(async (tx) => {
      const key = await (isProxyAdmin(caller)
        ? this.issuer.issue(tx, dto, caller.id)
        : this.issueFor(tx, dto, caller, route));
      await this.keys.setSpend(tx, key.row, dto.spend || null);
      return key;
    }, cacheKeysOf);
    return issuedView(issued, dto);
  }

  /** Issues a key of a team that belongs to no user. Throws 400 without a team. */
  generateServiceAccount(dto: GenerateKeyDto, caller: Principal): Promise<GeneratedKey> {
    if (!dto.team_id)
      throw new BadRequestException({
        message:
          'team_id is required for service account keys. Please specify `team_id` in the request body.',
        param: 'team_id',
      });
    return this.generate(Object.assign(dto, { user_id: null }), caller, SERVICE_ACCOUNT);
  }

  /** Issues a key for an admin who is no proxy admin: within their own entitlements, which the key inherits where it sets none. */
  private async issueFor(
    tx: EntityManager,
    dto: GenerateKeyDto,
    caller: Principal,
    route: string,
  ): Promise<IssuedKey> {
    const issued = await this.issuer.issue(tx, this.delegation.withOwners(dto, caller, route), caller.id);
    await this.delegation.inherit(tx, issued.row, caller);
    await this.delegation.requireWithin(tx, issued.row, undefined, caller);
    await this.keys.in(tx).save(issued.row);
    return issued;
  }

  /** Changes the key that `key`, or else `key_alias`, names. Throws `MissingRowException` if the caller may not see it. */
  async update(dto: UpdateKeyDto, caller: Principal): Promise<UpdatedKey> {
    const { key, key_alias: alias } = dto;
    const { row } = await this.keys.write(async (tx) => {
      const changed = await this.change(tx, key ?? (await this.hashOf(tx, alias, caller)), dto, caller, [
        '/key/update',
      ]);
      // Another transaction has renamed the key in the meantime.
      if (!key && changed.before.keyAlias !== alias) throw unknownAlias(alias!);
      return changed;
    }, cacheKeysOf);
    return { ...keyView(row), key: key ?? row.secretHash };
  }

  /** Changes many keys. A failed change is reported and does not stop the others. */
  async bulkUpdate(dtos: readonly UpdateKeyDto[], caller: Principal): Promise<BulkKeyUpdate> {
    const successful: BulkKeyUpdate['successful_updates'] = [];
    const failed: BulkKeyUpdate['failed_updates'] = [];
    for (const dto of dtos) {
      try {
        const key_info = await this.update(dto, caller);
        successful.push({ key: key_info.key, key_info });
      } catch (error) {
        if (!(error instanceof HttpException)) throw error;
        failed.push({ key: dto.key ?? dto.key_alias ?? '', key_info: null, failed_reason: error.message });
      }
    }
    return { total_requested: dtos.length, successful_updates: successful, failed_updates: failed };
  }

  /**
   * Gives a key a new secret and changes other fields. It stays the same key, so its spend and its counts continue. The
   * former secret ends at once, or after its grace period. The secret before that ends in any case.
   */
  async regenerate(keyOrHash: string, dto: RegenerateKeyDto, caller: Principal): Promise<GeneratedKey> {
    const secret = dto.new_key ?? newVirtualKey();
    const { row } = await this.keys.write(
      async (tx) => {
        // Only proxy admins may choose the new secret, so only they can learn that it is taken.
        if (isProxyAdmin(caller)) {
          const hash = secretHash(secret);
          await this.issuer.requireFreeSecret(
            tx,
            hash,
            keyHint(secret),
            { secretHash: hash },
            { formerSecretHash: hash },
          );
        }
        return this.change(
          tx,
          keyOrHash,
          Object.assign(dto, { allowed_routes: routesOf(dto) }),
          caller,
          REGENERATE,
          (live, now) => rotate(live, secret, dto.grace_period, now),
        );
      },
      (rotated) => [...cacheKeysOf(rotated), ...secretsOf(rotated.before)],
    );
    return issuedView({ row, secret }, dto);
  }

  /** Changes a key and returns it before and after the change. Must run inside a transaction. */
  private async change(
    tx: EntityManager,
    keyOrHash: string,
    dto: KeyFieldsDto,
    caller: Principal,
    routes: readonly string[],
    update: (live: VirtualKey, now: Date) => void = () => {},
  ): Promise<WrittenKey & { readonly before: VirtualKey }> {
    await this.accessGroups.lockNamed(tx, dto);
    await this.references.lock(tx, dto);
    const before = await this.require(tx, keyOrHash, caller, ...routes);
    if (!isProxyAdmin(caller)) this.delegation.requireUpdatable(dto, before, caller);
    requireWithinBounds(dto, this.config.litellm.keyBounds);
    const isUserNew = await this.issuer.ensureReferences(tx, dto, caller.id);
    if (dto.key_alias !== before.keyAlias) await this.issuer.requireFreeAlias(tx, dto.key_alias);
    const row = await this.keys.update(tx, before.secretHash, caller.id, (live, now) => {
      applyKey(live, dto, now);
      update(live, now);
    });
    await this.references.requireOneOrganization(tx, row);
    await this.accessGroups.assign(tx, dto, row, ['keyIds', row.id]);
    if (!isProxyAdmin(caller)) await this.delegation.requireWithin(tx, row, before, caller);
    await this.keys.setSpend(tx, row, dto.spend);
    return { row, before, isUserNew };
  }

  /**
   * Lowers what a key has spent. Throws 400 for more than it has spent or than its budget. For admins of its team and
   * above.
   */
  async resetSpend(
    keyOrHash: string,
    { reset_to }: ResetSpendDto,
    caller: Principal,
  ): Promise<SpendResetResponse> {
    const row = await this.database.read((manager) => this.keys.find(manager, keyHashOf(keyOrHash)));
    requireResettable(caller, row);
    const before = await this.keys.spentBy(row);
    const limits = [before, row.maxBudgetNanoUsd].flatMap((maximum) => maximum ?? []);
    if (limits.some((maximum) => toNanoUsd(reset_to) > maximum))
      throw new BadRequestException({
        message: `reset_to must be at most what was spent (${toUsd(before)}) and max_budget (${toUsd(row.maxBudgetNanoUsd)})`,
        param: 'reset_to',
      });
    await this.database.write(async (tx) => {
      const live = await this.keys.findForUpdate(tx, row.secretHash);
      requireResettable(caller, live);
      await this.keys.setSpend(tx, live, reset_to);
    }, 'ledger');
    const { max_budget, budget_reset_at } = limitsView(row);
    return {
      key_hash: row.secretHash,
      spend: reset_to,
      previous_spend: toUsd(before),
      max_budget,
      budget_reset_at,
    };
  }

  /**
   * Blocks or unblocks a key. Only an admin of the key unblocks it. Throws `MissingRowException` if the
   * caller may not see it.
   */
  async setBlocked(keyOrHash: string, blocked: boolean, caller: Principal): Promise<KeyRow> {
    const row = await this.keys.write(async (tx) => {
      const key = await this.require(tx, keyOrHash, caller, blocked ? '/key/block' : '/key/unblock');
      if (!blocked) this.delegation.requireAbove(caller, key);
      return this.keys.update(tx, key.secretHash, caller.id, (live) => void (live.blocked = blocked));
    }, secretsOf);
    return keyView(row);
  }

  /** Revokes keys by secret, hash or alias. Skips unknown ones; throws 404 if all are unknown. */
  async delete({ keys, key_aliases }: DeleteKeysDto, caller: Principal): Promise<string[]> {
    if (!keys?.length && !key_aliases?.length) {
      throw new BadRequestException({
        message: 'Name the keys to delete in `keys` or `key_aliases`',
        param: 'keys',
      });
    }
    const where = [
      { secretHash: In((keys ?? []).map(keyHashOf)), deletedAt: IsNull() },
      { keyAlias: In(key_aliases ?? []), deletedAt: IsNull() },
    ];
    const rows = await this.keys.write(
      async (tx) => {
        const matches = (await this.keys.lockedInOrder(tx, ...where)).filter((key) => maySeeKey(caller, key));
        if (!matches.length)
          throw new MissingRowException({
            message: 'No keys found',
            param: keys?.length ? 'keys' : 'key_aliases',
          });
        for (const key of matches) requireChangeable(caller, key, '/key/delete');
        for (const key of matches) await this.keys.remove(tx, key, caller.id);
        return matches;
      },
      (removed) => removed.flatMap(secretsOf),
    );
    const hashes = new Set(rows.map((row) => row.secretHash));
    const aliases = new Set(rows.map((row) => row.keyAlias));
    return [
      ...(keys ?? []).filter((key) => hashes.has(keyHashOf(key))),
      ...(key_aliases ?? []).filter((alias) => aliases.has(alias)),
    ];
  }

  /** Returns a key. Throws `MissingRowException` if the caller may not see it. */
  async info(keyOrHash: string | undefined, caller: Principal): Promise<KeyInfo> {
    const hash = keyOrHash === undefined ? caller.keyHash : keyHashOf(keyOrHash);
    if (hash === undefined)
      throw new BadRequestException({ message: 'Name the key to look up in `key`', param: 'key' });
    const row = await this.getByHash(hash);
    // A former secret still authenticates calls, but does not name the key.
    if (row?.secretHash !== hash || !maySeeKey(caller, row)) throw unknownKey();
    return { key: keyOrHash ?? hash, info: keyInfo(row) };
  }

  /**
   * Returns the hash of the live key with this alias. Throws 400 without an alias, and `MissingRowException` if
   * the caller may not see the key.
   */
  private async hashOf(
    tx: EntityManager,
    alias: string | null | undefined,
    caller: Principal,
  ): Promise<string> {
    if (!alias)
      throw new BadRequestException({ message: 'Either key or key_alias must be given', param: 'key' });
    const row = await this.keys.in(tx).findOneBy({ keyAlias: alias, deletedAt: IsNull() });
    if (!row || !maySeeKey(caller, row)) throw unknownAlias(alias);
    return row.secretHash;
  }

  /**
   * Returns the live key, locked. Throws `MissingRowException` if the caller may not see it, and 403
   * if the caller may not change it.
   */
  private async require(
    tx: EntityManager,
    keyOrHash: string,
    caller: Principal,
    ...routes: string[]
  ): Promise<VirtualKey> {
    const row = await this.keys.findForUpdate(tx, keyHashOf(keyOrHash));
    if (!row || !maySeeKey(caller, row)) throw unknownKey();
    requireChangeable(caller, row, ...routes);
    return row;
  }
}

const REGENERATE = ['/key/regenerate', '/key/{key_id}/regenerate'];

const issuedView = (
  { row, secret }: Pick<IssuedKey, 'row' | 'secret'>,
  { duration = null }: KeyFieldsDto,
): GeneratedKey => ({
  ...keyView(row),
  key: secret,
  token_id: row.secretHash,
  duration,
});

function requireChangeable(caller: Principal, key: VirtualKey, ...routes: string[]): void {
  if (!routes.some((route) => mayChangeKey(caller, key, route))) throw notPermitted(routes[0]!);
}

/** Throws `MissingRowException` if the caller may not see the key, and 403 if the caller does not administer it. */
function requireResettable(caller: Principal, key: VirtualKey | null): asserts key {
  if (!key || !maySeeKey(caller, key)) throw unknownKey();
  if (!administersKey(caller, key))
    throw new ForbiddenException({ message: 'Only an admin resets what a key has spent', param: 'key' });
}

const unknownAlias = (alias: string) =>
  new MissingRowException({
    message: `Key not found. No key with key_alias='${alias}'.`,
    param: 'key_alias',
  });

const unknownKey = () => new MissingRowException({ message: 'Key not found in database', param: 'key' });
