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
  /** Null if the row was looked up and does not exist. */
  readonly row: T | null;
}

/**
 * Caches the rows behind decisions. Rows are frozen, absent rows are cached for a short time, and concurrent readers
 * share one load. If a write overtakes a load, its readers get the row, but it is not cached.
 */
@Injectable()
export class RowCache implements OnModuleInit {
  private readonly loading = new Map<CacheKey, { readonly epoch: number; readonly row: Promise<unknown> }>();

  constructor(
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
    private readonly changes: ChangeEpochs,
    private readonly revisions: Revisions,
    private readonly redisRows: RedisRowCache,
    private readonly metrics: Metrics,
  ) {
    revisions.onChange((keys) => this.forget(keys));
  }

  async onModuleInit(): Promise<void> {
    if (this.revisions.areShared) await this.redisRows.onEviction((keys) => this.forget(keys));
  }

  /** Returns the cached row or loads it. Errors of `load` are passed on and never cached. */
  async get<T extends object>(key: CacheKey, load: () => Promise<T | null>): Promise<T | null> {
    const epoch = this.changes.epoch;
    const cached = await this.cache.get<Cached<T>>(key);
    const isHit = cached && !this.changes.changedSince(epoch, [key]);
    this.metrics.cacheReads.inc({ result: isHit ? 'hit' : 'miss' });
    if (isHit) return cached.row;

    const pending = this.loading.get(key);
    if (pending && !this.changes.changedSince(pending.epoch, [key])) return pending.row as Promise<T | null>;

    const row = this.load(key, load);
    this.loading.set(key, { epoch: this.changes.epoch, row });
    return row.finally(() => {
      if (this.loading.get(key)?.row === row) this.loading.delete(key);
    });
  }

  private async load<T extends object>(key: CacheKey, load: () => Promise<T | null>): Promise<T | null> {
    const epoch = this.changes.epoch;
    const loaded = this.revisions.areShared ? await this.loadShared(key, load) : await load();
    const row = loaded && deepFreeze(loaded);
    if (!this.changes.changedSince(epoch, [key])) {
      await this.cache.set(key, { row } satisfies Cached<T>, ttlOf(row));
      if (this.changes.changedSince(epoch, [key])) await this.cache.del(key);
    }
    return row;
  }

  /** Reads a row from Redis unless it is outdated. Otherwise reads it from the database and stores it in Redis. */
  private async loadShared<T extends object>(
    key: CacheKey,
    load: () => Promise<T | null>,
  ): Promise<T | null> {
    const epoch = this.changes.epoch;
    const stored = await this.redisRows.get(key);
    if (stored && this.revisions.acceptIfCurrent(key, stored.revision)) return stored.row as T | null;
    const startedAt = performance.now();
    const revision = await this.revisions.readCurrent(key);
    const row = await load();
    // The lifetime starts at the read: a process that was suspended since then has missed changes.
    const remainingMs = Math.floor(ttlOf(row) - (performance.now() - startedAt));
    if (remainingMs > 0 && !this.changes.changedSince(epoch, [key]))
      await this.redisRows.set(key, { row, revision }, remainingMs);
    return row;
  }

  /** Records the rows that a write changes. Must run inside its transaction. */
  willChange(tx: EntityManager, keys: readonly CacheKey[]): void {
    this.revisions.record(tx, keys);
  }

  /** Evicts `keys` on every replica. A write calls this after its commit and before its response. */
  async evict(keys: readonly CacheKey[]): Promise<void> {
    await this.forget(keys);
    if (this.revisions.areShared) await this.redisRows.evict(keys);
  }

  /** Evicts `keys` in this process. */
  async forget(keys: readonly CacheKey[]): Promise<void> {
    this.changes.mark(keys);
    this.revisions.forget(keys);
    await this.cache.mdel([...keys]);
    // Values derived from an entry between the two marks are outdated, too.
    this.changes.mark(keys);
  }
}

const ttlOf = (row: object | null) => (row ? TTL_MS : ABSENT_TTL_MS);

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (member && typeof member === 'object' && !Object.isFrozen(member)) deepFreeze(member as object);
  }
  return Object.freeze(value);
}
