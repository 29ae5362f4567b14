import { CACHE_MANAGER } from '@nestjs/cache-manager';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Cache } from 'cache-manager';
import type { EntityManager } from 'typeorm';
import { Metrics } from '../metrics/metrics.js';
import { type CacheKey, ChangeEpochs } from './change-epochs.js';
import { RedisRowCache } from './redis-row-cache.js';
import { Revisions } from './revisions.js';

const TTL_MS = 60_000;
const ABSENT_TTL_MS = 5_000;

interface Cached<T> {
  /** Null: looked up, not there. */
  readonly row: T | null;
}

/**
 * The rows behind a decision, cached: frozen, absent ones remembered for a moment, loaded once however many ask at
 * once. A load that a write overtook is returned to those who asked but never kept.
 */
@Injectable()
export class RowCache implements OnModuleInit {
  private readonly loading = new Map<CacheKey, { readonly epoch: number; readonly row: Promise<unknown> }>();

  constructor(
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
    private readonly changes: ChangeEpochs,
    private readonly revisions: Revisions,
    private readonly far: RedisRowCache,
    private readonly metrics: Metrics,
  ) {
    revisions.onChange((keys) => this.forget(keys));
  }

  async onModuleInit(): Promise<void> {
    if (this.revisions.areShared) await this.far.onEviction((keys) => this.forget(keys));
  }

  /** The cached row, or what `load` finds. Errors of `load` are passed on and never cached. */
  async get<T extends object>(key: CacheKey, load: () => Promise<T | null>): Promise<T | null> {
    const epoch = this.changes.epoch;
    const cached = await this.cache.get<Cached<T>>(key);
    const isHit = cached && !this.changes.changedSince(epoch, [key]);
    this.metrics.cacheReads.inc({ result: isHit ? 'hit' : 'miss' });
    if (isHit) return cached.row;

    const underWay = this.loading.get(key);
    if (underWay && !this.changes.changedSince(underWay.epoch, [key]))
      return underWay.row as Promise<T | null>;

    const row = this.load(key, load);
    this.loading.set(key, { epoch: this.changes.epoch, row });
    return row.finally(() => {
      if (this.loading.get(key)?.row === row) this.loading.delete(key);
    });
  }

  private async load<T extends object>(key: CacheKey, load: () => Promise<T | null>): Promise<T | null> {
    const epoch = this.changes.epoch;
    const found = this.revisions.areShared ? await this.loadShared(key, load) : await load();
    const row = found && deepFrozen(found);
    if (!this.changes.changedSince(epoch, [key])) {
      await this.cache.set(key, { row } satisfies Cached<T>, ttlOf(row));
      if (this.changes.changedSince(epoch, [key])) await this.cache.del(key);
    }
    return row;
  }

  /** From the tier all processes share, if what is there is not known to be old; else from the database, for all of them. */
  private async loadShared<T extends object>(
    key: CacheKey,
    load: () => Promise<T | null>,
  ): Promise<T | null> {
    const epoch = this.changes.epoch;
    const far = await this.far.get(key);
    if (far && this.revisions.acceptIfCurrent(key, far.revision)) return far.row as T | null;
    const begun = performance.now();
    const revision = await this.revisions.readCurrent(key);
    const found = await load();
    // Counted from when it was read: a process that was asleep since then has not heard what changed.
    const leftMs = Math.floor(ttlOf(found) - (performance.now() - begun));
    if (leftMs > 0 && !this.changes.changedSince(epoch, [key]))
      await this.far.set(key, { row: found, revision }, leftMs);
    return found;
  }

  /** Inside the transaction of a write: what it changes. */
  willChange(tx: EntityManager, keys: readonly CacheKey[]): void {
    this.revisions.record(tx, keys);
  }

  /** Forgets `keys` in every process. A write calls this after its commit and before it answers. */
  async evict(keys: readonly CacheKey[]): Promise<void> {
    await this.forget(keys);
    if (this.revisions.areShared) await this.far.evict(keys);
  }

  /** Forgets `keys` in this process. */
  async forget(keys: readonly CacheKey[]): Promise<void> {
    this.changes.mark(keys);
    this.revisions.forget(keys);
    await this.cache.mdel([...keys]);
    // Whatever was made of an entry between the two is of before, too.
    this.changes.mark(keys);
  }
}

const ttlOf = (row: object | null) => (row ? TTL_MS : ABSENT_TTL_MS);

function deepFrozen<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (member && typeof member === 'object' && !Object.isFrozen(member)) deepFrozen(member as object);
  }
  return Object.freeze(value);
}
