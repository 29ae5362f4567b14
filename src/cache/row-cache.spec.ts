import { createCache } from 'cache-manager';
import { Keyv } from 'keyv';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoundedMap } from './bounded-map.js';
import { ChangeEpochs } from './change-epochs.js';
import { Metrics } from '../metrics/metrics.js';
import type { Database } from '../database/database.js';
import { RedisRowCache } from './redis-row-cache.js';
import { Installation } from '../installation/installation.js';
import { Redis } from '../redis/redis.js';
import { Revisions } from './revisions.js';
import { RowCache } from './row-cache.js';

let cache: RowCache;
let changes: ChangeEpochs;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-23T12:00:00Z') });
  changes = new ChangeEpochs();
  const store = new BoundedMap<string, unknown>(100);
  cache = new RowCache(createCache({ stores: [new Keyv({ store, serialize: undefined, deserialize: undefined })] }), changes, new Revisions({ isPostgres: false } as Database), new RedisRowCache(new Redis({}), new Installation('here'), { saltKey: 'salt' }, () => new Date()), new Metrics()); // prettier-ignore
});
afterEach(() => vi.useRealTimers());

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);
/** A database whose replies come when the test sends them. */
function slow<T extends object>() {
  const pendingLoads: ((row: T | null) => void)[] = [];
  return { load: () => new Promise<T | null>((answer) => pendingLoads.push(answer)), pendingLoads };
}

describe('the row cache', () => {
  it('loads once for concurrent readers, and caches for a minute', async () => {
    const load = vi.fn(async () => ({ n: 1 }));
    const rows = await Promise.all([1, 2, 3].map(() => cache.get('team_id:a', load)));
    expect(new Set(rows).size).toBe(1);
    later(59_000);
    await cache.get('team_id:a', load);
    expect(load).toHaveBeenCalledTimes(1);
    later(2_000);
    await cache.get('team_id:a', load);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it('remembers that nothing is there, for a moment', async () => {
    const load = vi.fn(async () => null);
    expect([await cache.get('k', load), await cache.get('k', load)]).toEqual([null, null]);
    expect(load).toHaveBeenCalledTimes(1);
    later(6_000);
    await cache.get('k', load);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it('freezes what it hands out, all the way down', async () => {
    const row = await cache.get('k', async () => ({ list: [{ deep: 1 }] }));
    expect(() => (row!.list[0]!.deep = 2)).toThrow(TypeError);
    expect(() => row!.list.push({ deep: 3 })).toThrow(TypeError);
  });

  it('passes errors on and does not remember them', async () => {
    await expect(cache.get('k', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await cache.get('k', async () => ({ n: 1 }))).toEqual({ n: 1 });
  });

  it('forgets what is evicted, at once', async () => {
    await cache.get('k', async () => ({ n: 1 }));
    await cache.evict(['k']);
    expect(await cache.get('k', async () => ({ n: 2 }))).toEqual({ n: 2 });
  });

  it('returns no old row to readers during an eviction', async () => {
    await cache.get('k', async () => ({ n: 1 }));
    const { epoch } = changes;
    const evicting = cache.evict(['k']);
    const during = await cache.get('k', async () => ({ n: 2 }));
    const epochOfRead = changes.epoch;
    await evicting;
    // Either the row is the new one, or its reader can detect that it is outdated.
    expect(during!.n === 2 || changes.changedSince(epochOfRead, ['k'])).toBe(true);
    expect(changes.changedSince(epoch, ['k'])).toBe(true);
    expect(await cache.get('k', async () => ({ n: 2 }))).toEqual({ n: 2 });
  });

  it('never caches a row if a write overtook its load', async () => {
    const database = slow<{ n: number }>();
    const early = cache.get('k', database.load);
    await vi.waitFor(() => expect(database.pendingLoads).toHaveLength(1), { timeout: 60_000 });
    await cache.evict(['k']);
    const late = cache.get('k', database.load);
    await vi.waitFor(() => expect(database.pendingLoads).toHaveLength(2), { timeout: 60_000 });
    database.pendingLoads[1]!({ n: 2 });
    expect(await late).toEqual({ n: 2 });
    database.pendingLoads[0]!({ n: 1 });
    await early;
    expect(await cache.get('k', database.load)).toEqual({ n: 2 });
    expect(database.pendingLoads).toHaveLength(2);
  });
});

describe('what changed', () => {
  it('is asked by key and by time', () => {
    const { epoch } = changes;
    changes.mark(['a']);
    expect(changes.changedSince(epoch, ['a'])).toBe(true);
    expect(changes.changedSince(epoch, ['b'])).toBe(false);
    expect(changes.changedSince(changes.epoch, ['a', 'b'])).toBe(false);
  });

  it('is everything once too much was forgotten', () => {
    const { epoch } = changes;
    changes.mark(Array.from({ length: 100_001 }, (_, i) => `k${i}`));
    expect(changes.changedSince(epoch, ['never-mentioned'])).toBe(true);
    expect(changes.changedSince(changes.epoch, ['k1'])).toBe(false);
  });
});

describe('a bounded map', () => {
  it('forgets the oldest', () => {
    const map = new BoundedMap<number, string>(2);
    map.set(1, 'a').set(2, 'b').set(1, 'c').set(3, 'd');
    expect([...map.keys()]).toEqual([2, 3]);
  });
});

describe('the row cache with rows in Redis', () => {
  it('reads a changed row from the database although Redis could not delete the former one', async () => {
    const stored = new Map<string, string>();
    const redis = {
      isConfigured: true,
      getStart: async (name: string) => stored.get(name),
      set: async (name: string, text: string) => void stored.set(name, text),
      delete: () => Promise.reject(new Error('no answer in time')),
    } as unknown as Redis;
    let revision = 1;
    const ends: (() => Promise<void>)[] = [];
    const database = {
      isPostgres: true,
      read: async () => [{ revision }],
      beforeCommit: (_: unknown, end: () => Promise<void>) => void ends.push(end),
    } as unknown as Database;
    const revisions = new Revisions(database);
    const redisRows = new RedisRowCache(
      redis,
      new Installation('here'),
      { saltKey: 'salt' },
      () => new Date(),
    );
    const shared = new RowCache(createCache({ stores: [new Keyv({ store: new BoundedMap(100), serialize: undefined, deserialize: undefined })] }), changes, revisions, redisRows, new Metrics()); // prettier-ignore

    expect(await shared.get('key:k', async () => ({ n: 1 }))).toEqual({ n: 1 });
    expect(stored.size).toBe(1);

    const tx = { queryRunner: {}, query: async () => [{ subject: 'key:k', revision: `${++revision}` }] };
    shared.willChange(tx as never, ['key:k']);
    for (const end of ends) await end();
    await shared.evict(['key:k']);
    later(1_001);
    expect(await shared.get('key:k', async () => ({ n: 2 }))).toEqual({ n: 2 });
  });
});
