import { type DefaultLimits, defaultBudget, withTier } from '../../parties/with-tier.js';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type CacheKey, cacheKey, ChangeEpochs } from '../../cache/change-epochs.js';
import { Revisions } from '../../cache/revisions.js';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { CONFIG, type Config } from '../../config/config.js';
import { EndUsersService } from '../../end-users/end-users.service.js';
import type { Owners } from '../../jwt/identity-resolver.js';
import type { VerifiedToken } from '../../jwt/token-verifier.js';
import { secretEnd, type VirtualKey } from '../../parties/entities/virtual-key.entity.js';
import { enforcedParamsOf } from '../../parties/enforced-params-of.js';
import { tagsOf } from '../../parties/tags-of.js';
import { MASTER_CALLER_ID, roleOf } from '../../policy/principal.js';
import { compileKeyRoutes } from '../../policy/routes.js';
import { TagsService } from '../../tags/tags.service.js';
import { CachedCallerRows } from './cached-caller-rows.js';
import type { CallerSnapshot, PartyConfig, Snapshot } from './caller.js';
import { type CallerRows, CallerRowsReader } from './caller-rows.js';
import { readOwners, readTier } from './owner-reader.js';
import { proxyParty, partyConfigOf, tokenParty } from './party-config.js';
import { sortedUnique } from '../request-tags.js';
import { boundedLabels, mergedLabels } from '../spend-logs-metadata.js';
import { noBillingContexts } from './billing-context.js';

/**
 * Lifetime of a snapshot on PostgreSQL, where other processes may change rows. On SQLite this process makes every change.
 */
const SNAPSHOT_TTL_MS = 60_000;

/** Reads a caller, an end user or a tag from its rows, with every party behind it. `CallerCache` caches the results. */
@Injectable()
export class CallerReader {
  readonly master: CallerSnapshot;
  private readonly proxyParty: PartyConfig;

  private readonly endUserBudget: DefaultLimits | null;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly changes: ChangeEpochs,
    private readonly revisions: Revisions,
    private readonly cachedRows: CachedCallerRows,
    private readonly endUsers: EndUsersService,
    private readonly tags: TagsService,
    private readonly transactionRows: CallerRowsReader,
  ) {
    this.endUserBudget = defaultBudget(config.litellm.maxEndUserBudgetUsd);
    this.proxyParty = proxyParty(config);
    this.master = {
      parties: [this.proxyParty],
      cacheKeys: [],
      rowRevisions: new Map(),
      expiresAtMs: Infinity,
      verifiedAtEpoch: 0,
      credential: { kind: 'master', role: 'proxy_admin' },
      names: { keyHash: null, keyAlias: null, userId: MASTER_CALLER_ID, teamId: null, organizationId: null },
      callerId: MASTER_CALLER_ID,
      tags: [],
      teamAliases: {},
      keyAliases: {},
      billingContexts: noBillingContexts(),
    };
  }

  /** Reads the key with this hash; undefined if there is none. */
  async readKey(hash: string, rows: CallerRows = this.cachedRows): Promise<CallerSnapshot | undefined> {
    const { epoch } = this.changes;
    const key = await rows.key(hash);
    if (!key) return undefined;
    const cacheKeys: CacheKey[] = [cacheKey.key(hash)];
    const tier = await readTier(key.budgetId, cacheKeys, rows);
    const ownParty = partyConfigOf('key', key.keyAlias ?? key.keyName, key, tier, key.teamId !== null);
    return this.read({ ...key, expiresAt: secretEnd(key, hash) }, [ownParty], cacheKeys, epoch, rows);
  }

  /** Reads the caller of a verified token. */
  async readToken(
    id: string,
    verified: VerifiedToken,
    owners: Owners,
    rows: CallerRows = this.cachedRows,
  ): Promise<CallerSnapshot> {
    const { epoch } = this.changes;
    const { subject: holder, expiresAt } = verified;
    const cacheKeys: CacheKey[] = [];
    const { parties, user, team, organizationId } = await readOwners(owners, cacheKeys, rows, this.config);
    const { userId, teamId } = owners;
    const name = userId ?? holder.userId ?? holder.subject ?? teamId ?? 'jwt';
    const limits = holder.models.map((models) => tokenParty(name, models));
    return {
      credential: Object.freeze({
        kind: 'token',
        role: holder.role ?? roleOf(user, { userId, teamId, organizationId }),
        routes: holder.routes,
      }),
      names: { keyHash: null, keyAlias: null, userId, teamId, organizationId },
      callerId: notMaster('jwt', name),
      tokenId: id,
      token: { verified, owners },
      tags: team ? sortedUnique(tagsOf(team)) : [],
      ...labelsOf(team),
      ...enforcedBy(user, team),
      ...(holder.endUserId !== undefined && { endUserId: holder.endUserId }),
      teamAliases: team?.modelAliases ?? {},
      keyAliases: {},
      billingContexts: noBillingContexts(),
      ...this.snapshot([...limits, ...parties, this.proxyParty], cacheKeys, epoch, expiresAt),
    };
  }

  /** Reads the caller for a key of this user or team that has no limits of its own. */
  withoutOwnLimits(owners: Partial<Pick<KeyFields, 'userId' | 'teamId'>>): Promise<CallerSnapshot> {
    return this.read({ ...KEY_WITHOUT_LIMITS, ...owners }, [], [], this.changes.epoch, this.cachedRows);
  }

  /**
   * Reads a caller again by the hash of its credential, as the transaction sees its rows; undefined if it no longer exists.
   * Leaves its limits out. Must run inside a transaction.
   */
  readAgain(tx: EntityManager, hash: string, caller: CallerSnapshot): Promise<CallerSnapshot | undefined> {
    const rows = this.transactionRows.in(tx);
    const { token } = caller;
    return token
      ? this.readToken(caller.tokenId!, token.verified, token.owners, rows)
      : this.readKey(hash, rows);
  }

  /**
   * Reads an end user. Without a row it has no party. With `isCreated` it has the party that a new row would give it
   * (`isProvisional`).
   */
  async readEndUser(id: string, isCreated: boolean): Promise<Snapshot> {
    const { epoch } = this.changes;
    const cacheKeys: CacheKey[] = [cacheKey.endUser(id)];
    const stored = await this.endUsers.get(id);
    const row = stored ?? (isCreated ? await this.endUsers.wouldBe(id) : null);
    const defaultTier = this.config.litellm.maxEndUserBudgetId ?? null;
    const tier = row && (await readTier(row.budgetId ?? defaultTier, cacheKeys, this.cachedRows));
    const defaults =
      tier && this.endUserBudget ? withTier(tier, this.endUserBudget) : (tier ?? this.endUserBudget);
    const endUser = this.snapshot(
      row ? [partyConfigOf('end_user', id, row, defaults, false)] : [],
      cacheKeys,
      epoch,
    );
    return stored || !row ? endUser : { ...endUser, isProvisional: true };
  }

  /** Reads a tag. A tag without a row has no party. */
  async readTag(name: string): Promise<Snapshot> {
    const { epoch } = this.changes;
    const cacheKeys: CacheKey[] = [cacheKey.tag(name)];
    const row = await this.tags.get(name);
    const tier = row && (await readTier(row.budgetId, cacheKeys, this.cachedRows));
    // The `models` of a tag restrict deployments, not the models that may be called.
    const party = row && { ...partyConfigOf('tag', name, row, tier, false), models: 'any' as const };
    return this.snapshot(party ? [party] : [], cacheKeys, epoch);
  }

  /** Reads the parties behind a key. `ownParty`: the key as a party, if it has limits of its own. */
  private async read(
    key: Readonly<KeyFields>,
    ownParty: readonly PartyConfig[],
    cacheKeys: CacheKey[],
    epoch: number,
    rows: CallerRows,
  ): Promise<CallerSnapshot> {
    const { parties, user, team, organizationId } = await readOwners(key, cacheKeys, rows, this.config);
    const { secretHash: keyHash, keyAlias, keyName, userId, teamId, blocked, expiresAt } = key;
    return {
      credential: Object.freeze({
        kind: 'key',
        role: roleOf(user, key),
        hint: keyName,
        blocked,
        expiresAt,
        allowedRoutes: compileKeyRoutes(key.allowedRoutes),
      }),
      names: { keyHash, keyAlias, userId, teamId, organizationId },
      callerId: notMaster('key', userId ?? keyAlias ?? keyName),
      tags: sortedUnique([...tagsOf(key), ...(team ? tagsOf(team) : [])]),
      ...labelsOf(key, team),
      ...enforcedBy(key, user, team),
      teamAliases: team?.modelAliases ?? {},
      keyAliases: key.aliases ?? {},
      billingContexts: noBillingContexts(),
      // The snapshot expires with its key. A call that waits longer than that is decided again.
      ...this.snapshot([...ownParty, ...parties, this.proxyParty], cacheKeys, epoch, expiresAt),
    };
  }

  private snapshot(
    parties: readonly PartyConfig[],
    cacheKeys: readonly CacheKey[],
    epoch: number,
    expiresAt?: Date | null,
  ): Snapshot {
    const now = this.clock().getTime();
    const endMs = expiresAt && expiresAt.getTime() > now ? expiresAt.getTime() : Infinity;
    return {
      parties: Object.freeze(parties),
      cacheKeys,
      rowRevisions: this.revisions.ofAll(cacheKeys),
      expiresAtMs: Math.min(this.revisions.areShared ? now + SNAPSHOT_TTL_MS : Infinity, endMs),
      verifiedAtEpoch: epoch,
    };
  }
}

/** The fields of a key that are read beside its limits. */
type KeyFields = Pick<
  VirtualKey,
  | 'secretHash' | 'keyAlias' | 'keyName' | 'userId' | 'teamId' | 'organizationId'
  | 'blocked' | 'expiresAt' | 'allowedRoutes' | 'aliases' | 'metadata' | 'extra'
>; // prettier-ignore

const KEY_WITHOUT_LIMITS: Readonly<KeyFields> = {
  secretHash: 'none',
  keyAlias: null,
  keyName: 'sk-...',
  userId: null,
  teamId: null,
  organizationId: null,
  blocked: false,
  expiresAt: null,
  allowedRoutes: null,
  aliases: null,
  metadata: null,
  extra: null,
};

function enforcedBy(
  ...rows: readonly (Pick<VirtualKey, 'extra'> | null)[]
): Pick<CallerSnapshot, 'enforcedParams'> {
  const params = rows.flatMap((row) => (row ? enforcedParamsOf(row) : []));
  return params.length ? { enforcedParams: [...new Set(params)] } : {};
}

/** Returns the labels that these rows give every call. The first row's values win. */
function labelsOf(
  ...rows: readonly (Pick<VirtualKey, 'metadata'> | null)[]
): Pick<CallerSnapshot, 'spendLogsMetadata'> {
  let labels: CallerSnapshot['spendLogsMetadata'];
  for (const row of rows) labels = mergedLabels(labels, boundedLabels(row?.metadata?.spend_logs_metadata));
  return labels ? { spendLogsMetadata: labels } : {};
}

/** Returns the caller's name for rows and the audit log. No user, key or token gets the name of the master key. */
const notMaster = (kind: 'key' | 'jwt', name: string) =>
  name === MASTER_CALLER_ID ? `${kind}:${name}` : name;
