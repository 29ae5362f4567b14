import { Inject, Injectable } from '@nestjs/common';
import { BoundedMap } from '../../cache/bounded-map.js';
import { ChangeEpochs } from '../../cache/change-epochs.js';
import { Revisions } from '../../cache/revisions.js';
import { CLOCK, type Clock } from '../../platform/clock.js';
import { CONFIG, type Config } from '../../config/config.js';
import type { Owners } from '../../jwt/identity-resolver.js';
import type { VerifiedToken } from '../../jwt/token-verifier.js';
import { secretMatcher } from '../../platform/secrets.js';
import { DependencyUnavailableError } from '../../platform/dependency-unavailable.error.js';
import type { CallerSnapshot, Snapshot } from './caller.js';
import { CallerReader } from './caller-reader.js';

const MAX_SNAPSHOTS = 200_000;
const MAX_READS = 5;

/** Caches the snapshots of callers, end users and tags until a row behind them changes. */
@Injectable()
export class CallerCache {
  readonly isMasterKey: (hash: string) => boolean;
  private readonly callers = new BoundedMap<string, CallerSnapshot>(MAX_SNAPSHOTS);
  private readonly endUsers = new BoundedMap<string, Snapshot>(MAX_SNAPSHOTS);
  /** Tags by name, also those without a row, because clients may send any name. */
  private readonly tags = new BoundedMap<string, Snapshot>(MAX_SNAPSHOTS);

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly changes: ChangeEpochs,
    private readonly revisions: Revisions,
    private readonly reader: CallerReader,
  ) {
    this.isMasterKey = secretMatcher(config.masterKey);
  }

  get master(): CallerSnapshot {
    return this.reader.master;
  }

  /** Returns a cached caller, if its rows did not change. */
  cached(id: string): CallerSnapshot | undefined {
    const caller = this.callers.get(id);
    return caller && this.isFresh(caller) ? caller : undefined;
  }

  /** Tells whether a snapshot still matches its rows. Takes one comparison while no row changes anywhere. */
  isFresh(snapshot: Snapshot): boolean {
    const { expiresAtMs, verifiedAtEpoch, cacheKeys } = snapshot;
    if (expiresAtMs !== Infinity && this.clock().getTime() >= expiresAtMs) return false;
    const { epoch } = this.changes;
    if (verifiedAtEpoch === epoch) return true;
    if (this.changes.changedSince(verifiedAtEpoch, cacheKeys)) return false;
    snapshot.verifiedAtEpoch = epoch;
    return true;
  }

  /** Reads the key with this hash, and every party behind it. */
  ofKey(hash: string): Promise<CallerSnapshot | undefined> {
    return this.isMasterKey(hash)
      ? Promise.resolve(this.master)
      : this.readConsistently(hash, () => this.reader.readKey(hash));
  }

  /** Reads the caller of a token, and caches it under `id`. */
  async ofToken(id: string, token: VerifiedToken, owners: Owners): Promise<CallerSnapshot> {
    return (await this.readConsistently(id, () => this.reader.readToken(id, token, owners)))!;
  }

  /** Returns an end user as it was last read. `isFresh` tells whether that is outdated. */
  lastEndUser(id: string): Snapshot | undefined {
    return this.endUsers.get(id);
  }

  /** Reads an end user. Without a row it has no limits, or is provisional if `mayBeCreated` and a default budget exists. */
  async endUser(id: string, mayBeCreated: boolean): Promise<Snapshot> {
    const { maxEndUserBudgetId, maxEndUserBudgetUsd } = this.config.litellm;
    const isCreated = mayBeCreated && (maxEndUserBudgetId !== undefined || maxEndUserBudgetUsd !== undefined);
    const known = this.endUsers.get(id);
    if (known && this.isFresh(known) && (hasRow(known) || !isCreated)) return known;
    const endUser = await this.reader.readEndUser(id, isCreated);
    if (!endUser.isProvisional && this.isUnchanged(endUser)) this.endUsers.set(id, endUser);
    return endUser;
  }

  /** Tells whether this end user had a row when it was last read. */
  endUserHasRow(id: string): boolean {
    const known = this.endUsers.get(id);
    return known !== undefined && hasRow(known);
  }

  /** Tells whether this tag had a row when it was last read. */
  tagHasRow(name: string): boolean {
    const known = this.tags.get(name);
    return known !== undefined && hasRow(known);
  }

  /** Returns those of these tags that have a row; undefined if a tag must be read first. */
  cachedTags(names: readonly string[]): readonly Snapshot[] | undefined {
    if (!names.length) return NO_TAGS;
    const known = names.map((name) => this.tags.get(name));
    return known.every((tag) => tag !== undefined && this.isFresh(tag))
      ? (known as Snapshot[]).filter(hasRow)
      : undefined;
  }

  /** Reads those of these tags that have a row. */
  async tagsWithRow(names: readonly string[]): Promise<readonly Snapshot[]> {
    return (await Promise.all(names.map((name) => this.tag(name)))).filter(hasRow);
  }

  private async tag(name: string): Promise<Snapshot> {
    const known = this.tags.get(name);
    if (known && this.isFresh(known)) return known;
    const tag = await this.reader.readTag(name);
    if (this.isUnchanged(tag)) this.tags.set(name, tag);
    return tag;
  }

  /** Tells whether no row behind a snapshot changed while it was read. */
  private isUnchanged({ verifiedAtEpoch, cacheKeys }: Snapshot): boolean {
    return !this.changes.changedSince(verifiedAtEpoch, cacheKeys);
  }

  /**
   * Reads a caller, and caches it only if no row behind it changed meanwhile. If rows are shared with other processes, a
   * change causes another read. Throws if the rows change faster than they can be read.
   */
  private async readConsistently(
    id: string,
    read: () => Promise<CallerSnapshot | undefined>,
  ): Promise<CallerSnapshot | undefined> {
    for (let tries = 1; ; tries++) {
      const caller = await read();
      const isConsistent = !caller || this.isUnchanged(caller);
      if (isConsistent && caller) this.callers.set(id, caller);
      if (isConsistent || !this.revisions.areShared) return caller;
      if (tries === MAX_READS)
        throw new DependencyUnavailableError('database', 'a caller changes faster than it can be read');
    }
  }
}

const NO_TAGS: readonly Snapshot[] = [];

const hasRow = ({ parties }: Snapshot) => parties.length > 0;
