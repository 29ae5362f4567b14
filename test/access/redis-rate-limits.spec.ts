import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createClient } from '@redis/client';
import { RedisServer, redisIsThere } from '../harness/redis.js';
import { Installation } from '../../src/installation/installation.js';
import { Redis } from '../../src/redis/redis.js';
import { DependencyUnavailableError } from '../../src/platform/dependency-unavailable.error.js';
import type { RateLimit } from '../../src/rate-limits/rate-limits.js';
import { RedisRateLimits } from '../../src/rate-limits/redis-rate-limits.js';
import { eventually } from '../harness/eventually.js';

const RENEWED_WITHIN_MS = 5_000;
const NO_TOKENS = { rateTokens: 0, boundTokens: 0 };
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

  const acquireSlot = async () => {
    const place = await limits.acquire([PARALLEL], NO_TOKENS);
    if (!('lease' in place)) throw new Error('It is full.');
    return place.lease;
  };
  const used = async () => (await limits.measure([PARALLEL]))[0]!.used;

  it('that is renewed while its call ends is given back all the same', async () => {
    (await acquireSlot()).commit(0);
    await eventually(async () => expect(await used()).toBe(0));
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    limits.onModuleInit();
    const lease = await acquireSlot();
    vi.advanceTimersByTime(RENEWED_WITHIN_MS);
    lease.commit(0);
    vi.useRealTimers();
    // Twenty pings take longer than Redis needs for all commands sent before.
    for (let i = 0; i < 20; i++) await redis.ping();
    expect(await used()).toBe(0);
  });

  it('is taken although the process was too busy to read the reply in time', async () => {
    const slot = limits.acquire([{ ...PARALLEL, key: 'key:2:running' }], NO_TOKENS);
    await new Promise((turn) => setImmediate(turn));
    for (const until = performance.now() + 1_500; performance.now() < until;);
    expect(await slot).toHaveProperty('lease');
  });
});

/** The span of the limits. Tests wait for its end at the same time, so it is longer than the work of all of them. */
const SPAN_MS = 2_000;
let serial = 0;
const of = (unit: RateLimit['unit'], limit: number): RateLimit => ({
  key: `key:${++serial}:${unit}`,
  scope: { kind: 'key', id: 'sk-...0001' },
  unit,
  limit,
});

describe.runIf(redisIsThere())('a Redis that anybody writes to', { concurrent: true }, () => {
  let server: RedisServer;
  let stranger: ReturnType<typeof createClient>;
  let redis: Redis;
  let limits: RedisRateLimits;
  const installation = new Installation('here', 'ns');
  const nameOf = (key: string) => installation.inRedis(`rate:${key}`);
  beforeAll(async () => {
    server = await RedisServer.start();
    stranger = createClient({ url: server.url });
    await stranger.connect();
    redis = new Redis({ redisUrl: server.url });
    await redis.onModuleInit();
    limits = new RedisRateLimits(redis, installation, { general: { rateLimitSpanMs: SPAN_MS } });
  });
  afterAll(async () => {
    limits.onApplicationShutdown();
    await redis.onApplicationShutdown();
    stranger.destroy();
    await server.close();
  });

  const send = (...words: string[]) => stranger.sendCommand(words);

  /** Returns the outcome of a call: admitted, refused, or 503. */
  const outcome = async (limit: RateLimit, tokens = 1) => {
    try {
      return 'lease' in (await limits.acquire([limit], { rateTokens: tokens, boundTokens: tokens }))
        ? 'in'
        : 'full';
    } catch (error) {
      return error instanceof DependencyUnavailableError ? '503' : String(error);
    }
  };

  const STRANGE: [string, ...string[][]][] = [
    ['a text', ['SET', 'KEY', '5']],
    ['an empty text', ['SET', 'KEY', '']],
    ['a huge text', ['SETRANGE', 'KEY', '20000000', 'x']],
    ['a list', ['RPUSH', 'KEY', 'a', 'b']],
    ['a set', ['SADD', 'KEY', 'a']],
    ['a hash', ['HSET', 'KEY', 'a', 'b']],
    ['a stream', ['XADD', 'KEY', '*', 'a', 'b']],
  ];
  const units = ['requests', 'tokens', 'running'] as const;
  it.each(units.flatMap((unit) => STRANGE.map(([name, command]) => [unit, name, command!] as const)))(
    'lets nobody in of a limit of %s whose key is %s, and counts again when it is gone',
    async (unit, _, command) => {
      const limit = of(unit, 2);
      await send(...command.map((word) => (word === 'KEY' ? nameOf(limit.key) : word)));
      expect(await outcome(limit)).toBe('503');
      await expect(limits.measure([limit])).rejects.toBeInstanceOf(DependencyUnavailableError);
      await eventually(async () => expect(await outcome(limit)).toBe('in'));
    },
  );

  it.each([
    'nan',
    '-nan',
    'inf',
    '-inf',
    '-5',
    '-9223372036854775808',
    '9223372036854775807',
    '1e3',
    '0x10',
    '1.5',
    '',
    ' ',
    'x',
    '9'.repeat(400),
  ])('lets nobody in whose sum of tokens is %j, and counts again when it is gone', async (sum) => {
    // prettier-ignore
    const limit = of('tokens', 5);
    expect(await outcome(limit)).toBe('in');
    await send('HSET', `${nameOf(limit.key)}:amounts`, 'sum', sum);
    expect(await outcome(limit)).toBe('503');
    await eventually(async () => expect(await outcome(limit, 3)).toBe('in'));
    expect(await outcome(limit, 3)).toBe('full');
  });

  it.each(STRANGE)('lets nobody in whose amounts are %s', async (_, command) => {
    const limit = of('tokens', 5);
    if (command![0] === 'HSET') return;
    await send(...command!.map((word) => (word === 'KEY' ? `${nameOf(limit.key)}:amounts` : word)));
    expect(await outcome(limit)).toBe('503');
    await eventually(async () => expect(await outcome(limit)).toBe('in'));
  });

  it.each(['nan', 'x', '-1000', '1e300', ''])('opens no limit by one amount that is %j', async (amount) => {
    const limit = of('tokens', 5);
    await send('ZADD', nameOf(limit.key), '1', 'old');
    await send('HSET', `${nameOf(limit.key)}:amounts`, 'old', amount, 'sum', '5');
    expect(await outcome(limit)).not.toBe('503');
    await eventually(async () => expect(await outcome(limit, 3)).toBe('in'));
    expect(await outcome(limit, 3)).toBe('full');
  });

  it.each(units.flatMap((unit) => ['+inf', '1e300', '99999999999999'].map((at) => [unit, at] as const)))(
    'is not full of %s for ever by entries at %s',
    async (unit, at) => {
      const limit = of(unit, 1);
      await send('ZADD', nameOf(limit.key), at, 'a', at, 'b');
      await send('HSET', `${nameOf(limit.key)}:amounts`, 'a', '1', 'sum', '1');
      expect(await outcome(limit)).toBe('full');
      const [facts] = await limits.measure([limit]);
      expect(Number.isNaN(facts!.freeAt?.getTime())).toBe(false);
      if (unit === 'running') return;
      await eventually(async () => expect(await outcome(limit)).toBe('in'));
    },
  );

  it('hinders no other limit by one that cannot be counted: places are renewed and given back', async () => {
    const [spoiled, other] = [of('running', 1), of('running', 1)];
    const slot = await limits.acquire([spoiled, other], NO_TOKENS);
    if (!('lease' in slot)) throw new Error('It is full.');
    await send('SET', nameOf(spoiled.key), 'x');
    await send('DEL', nameOf(other.key));
    // Renews running calls as their timer does, without a pause in which other tests would have no timers.
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    limits.onModuleInit();
    vi.advanceTimersByTime(RENEWED_WITHIN_MS);
    vi.useRealTimers();
    await eventually(async () => expect((await limits.measure([other]))[0]!.used).toBe(1));
    slot.lease.commit(0);
    await eventually(async () => expect((await limits.measure([other]))[0]!.used).toBe(0));
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a text', '1'],
    ['too few numbers', [1, 0]],
    ['too many numbers', [1, 0, 0, 0]],
    ['texts', ['1', '0', '0']],
    ['what is no number', [1, Number.NaN, 0]],
    ['less than nothing', [1, -5, 0]],
    ['a full limit that has room', [0, 0, 0]],
  ])('lets nobody in when it answers %s', async (_, answer) => {
    const lying = { run: async () => answer } as unknown as Redis;
    const general = { rateLimitSpanMs: SPAN_MS };
    const counted = new RedisRateLimits(lying, installation, { general });
    await expect(counted.acquire([of('requests', 2)], NO_TOKENS)).rejects.toBeInstanceOf(
      DependencyUnavailableError,
    );
  });
});
