import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { RedisServer, redisIsThere } from '../../test/redis.js';
import { Installation } from '../installation/installation.js';
import { Redis } from '../redis/redis.js';
import type { RateLimit } from './rate-limits.js';
import { RedisRateLimits } from './redis-rate-limits.js';

const RENEWED_WITHIN_MS = 5_000;
const PARALLEL: RateLimit = {
  key: 'key:1:running',
  scope: { kind: 'key', id: 'sk-...0001' },
  unit: 'running',
  limit: 2,
};

describe.runIf(redisIsThere())('a place in Redis', () => {
  let server: RedisServer;
  let redis: Redis;
  let limits: RedisRateLimits;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis({ redisUrl: server.url });
    await redis.onModuleInit();
    limits = new RedisRateLimits(redis, new Installation('here'), { general: { rateLimitSpanMs: 60_000 } });
  });
  afterEach(() => vi.useRealTimers());
  afterAll(async () => {
    limits.onApplicationShutdown();
    await redis.onApplicationShutdown();
    await server.close();
  });

  const taken = async () => {
    const place = await limits.take([PARALLEL], 0);
    if (!('slots' in place)) throw new Error('It is full.');
    return place.slots;
  };
  const used = async () => (await limits.measure([PARALLEL]))[0]!.used;

  it('that is renewed while its call ends is given back all the same', async () => {
    (await taken()).end(0);
    await vi.waitFor(async () => expect(await used()).toBe(0));
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    limits.onModuleInit();
    const slots = await taken();
    vi.advanceTimersByTime(RENEWED_WITHIN_MS);
    slots.end(0);
    vi.useRealTimers();
    // More than Redis needs for all that was sent.
    for (let i = 0; i < 20; i++) await redis.ping();
    expect(await used()).toBe(0);
  });
});
