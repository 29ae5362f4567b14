import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { CONFIG, type Config } from '../config/config.js';
import { sleep } from '../platform/sleep.js';
import { type CallTokens, neededOf, type RateFacts } from '../policy/rates.js';
import { Installation } from '../installation/installation.js';
import { Redis, redisScript } from '../redis/redis.js';
import { DependencyUnavailableError } from '../platform/dependency-unavailable.error.js';
import { denialsOf, type RateLimit, RateLimits, type LeaseResult } from './rate-limits.js';

/** The lease of a running call, renewed while it runs. Leases of a dead process expire. */
const LEASE_MS = 30_000;
const RENEW_MS = 5_000;
const MAX_TRIES = 5;
const RETRY_MS = 1_000;
/** The most digits of a sum of tokens. */
const MAX_DIGITS = 15;

/**
 * Removes expired entries and measures. Returns for each limit its use, and when its oldest entry stops counting (0:
 * none). Entries are a set ordered by time. Token counts and their sum are in a hash beside it.
 * Other clients may write to this Redis. If a key holds something else, its limit cannot be counted: the script
 * fails, so no call is admitted. The key expires after one span at most. By then every call it should have counted
 * has expired, so an empty log is correct.
 */
const MEASURE = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local span = tonumber(ARGV[1])
local function whole(text)
  return type(text) == 'string' and #text <= ${MAX_DIGITS} and string.match(text, '^%d+$') ~= nil
end
local function unreadable(key)
  local left = redis.call('PTTL', key)
  if left < 0 or left > span then redis.call('PEXPIRE', key, span) end
  return redis.error_reply('ERR a rate limit cannot be counted: its key holds something else')
end
local measured = {}
for i, key in ipairs(KEYS) do
  local unit = ARGV[3 * i]
  local amounts = key .. ':amounts'
  local horizon = unit == 'running' and now or now - span
  local oldest = redis.pcall('ZRANGE', key, 0, 0, 'WITHSCORES')
  if oldest.err then return unreadable(key) end
  local kept = unit == 'tokens' and redis.pcall('HGET', amounts, 'sum')
  if kept and not whole(kept) then return unreadable(amounts) end
  local sum = tonumber(kept or 0)
  if oldest[2] and tonumber(oldest[2]) <= horizon then
    if unit == 'tokens' then
      for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', horizon)) do
        local amount = redis.call('HGET', amounts, id)
        if whole(amount) then sum = sum - tonumber(amount) end
        redis.call('HDEL', amounts, id)
      end
      if sum < 0 then return unreadable(amounts) end
      if kept then redis.call('HSET', amounts, 'sum', string.format('%.0f', sum)) end
    end
    redis.call('ZREMRANGEBYSCORE', key, '-inf', horizon)
    oldest = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  end
  if sum > 0 and not oldest[1] then
    redis.call('DEL', amounts)
    sum = 0
  end
  measured[2 * i - 1] = unit == 'tokens' and sum or redis.call('ZCARD', key)
  measured[2 * i] = unit ~= 'running' and oldest[2] and math.min(tonumber(oldest[2]), now) + span or 0
end
`;

const MEASURE_SCRIPT = redisScript(`${MEASURE} return measured`);

/**
 * ARGV: span and id; unit, limit and needed amount of each limit; the lease. Entries of a full limit that lie in the
 * future (the clock was set back, or another client wrote them) are set to now. Otherwise they would never expire.
 */
const ACQUIRE_SCRIPT = redisScript(`${MEASURE}
local lease = tonumber(ARGV[#ARGV])
for i, key in ipairs(KEYS) do
  if not (measured[2 * i - 1] + tonumber(ARGV[3 * i + 2]) <= tonumber(ARGV[3 * i + 1])) then
    local latest = ARGV[3 * i] == 'running' and now + lease or now
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. latest, '+inf', 'LIMIT', 0, 1000)) do
      redis.call('ZADD', key, latest, id)
    end
    table.insert(measured, 1, 0)
    return measured
  end
end
for i, key in ipairs(KEYS) do
  local unit, needed = ARGV[3 * i], tonumber(ARGV[3 * i + 2])
  if unit == 'running' then
    redis.call('ZADD', key, now + lease, ARGV[2])
    redis.call('PEXPIRE', key, 2 * lease)
  else
    redis.call('ZADD', key, now, ARGV[2])
    redis.call('PEXPIRE', key, 2 * span)
    if unit == 'tokens' then
      redis.call('HSET', key .. ':amounts', ARGV[2], needed)
      redis.call('HINCRBY', key .. ':amounts', 'sum', needed)
      redis.call('PEXPIRE', key .. ':amounts', 2 * span)
    end
  end
end
table.insert(measured, 1, 1)
return measured`);

/**
 * ARGV: id; unit of each limit and the tokens used, or -1 to undo the call. A key that holds something else does not
 * affect the others.
 */
const END_SCRIPT = redisScript(`
for i, key in ipairs(KEYS) do
  local unit, used = ARGV[2 * i], tonumber(ARGV[2 * i + 1])
  local amounts = key .. ':amounts'
  if unit == 'tokens' then
    local counted = redis.pcall('HGET', amounts, ARGV[1])
    if type(counted) == 'string' and tonumber(counted) then
      local amount = math.max(used, 0)
      redis.pcall('HINCRBY', amounts, 'sum', amount - tonumber(counted))
      redis.pcall('HSET', amounts, ARGV[1], amount)
    end
  elseif unit == 'running' or used < 0 then
    redis.pcall('ZREM', key, ARGV[1])
  end
end`);

/**
 * ARGV: the lease; an id for each key. A lost lease is created again, because its call still runs. A key that holds
 * something else does not affect the others.
 */
const RENEW_SCRIPT = redisScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local lease = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local added = redis.pcall('ZADD', key, now + lease, ARGV[i + 1])
  if type(added) == 'number' then redis.call('PEXPIRE', key, 2 * lease) end
end`);

/** Counts in Redis, by its clock: all limits of a call in one step, the same for every replica. */
@Injectable()
export class RedisRateLimits extends RateLimits implements OnModuleInit, OnApplicationShutdown {
  readonly areInMemory = false;
  private readonly logger = new Logger(RedisRateLimits.name);
  /** The Redis keys of running calls, whose leases must be renewed. */
  private readonly running = new Map<string, readonly string[]>();
  private renewTimer: NodeJS.Timeout | undefined;
  private readonly prefix: string;

  constructor(
    private readonly redis: Redis,
    installation: Installation,
    @Inject(CONFIG) private readonly config: { readonly general: Pick<Config['general'], 'rateLimitSpanMs'> },
  ) {
    super();
    this.prefix = installation.inRedis('rate:');
  }

  onModuleInit(): void {
    this.renewTimer = setInterval(() => void this.renew(), RENEW_MS);
  }

  onApplicationShutdown(): void {
    clearInterval(this.renewTimer);
  }

  async measure(limits: readonly RateLimit[]): Promise<readonly RateFacts[]> {
    const reply = await this.redis.run(MEASURE_SCRIPT, this.keysOf(limits), [
      this.span,
      '',
      ...limits.flatMap(({ unit, limit }) => [unit, String(limit), '0']),
    ]);
    return factsFrom(limits, numbersIn(reply, 2 * limits.length));
  }

  async acquire(limits: readonly RateLimit[], call: CallTokens): Promise<LeaseResult> {
    if (!limits.length) return { lease: NO_LEASE };
    const id = uuidv7();
    const [isAcquired, ...reply] = await this.run(id, limits, call);
    const facts = factsFrom(limits, reply);
    if (isAcquired !== 1) return denialsOf(facts, call) ?? throwUnexpectedReply();
    const runningKeys = this.keysOf(limits.filter(({ unit }) => unit === 'running'));
    if (runningKeys.length) this.running.set(id, runningKeys);
    const included = facts.map((rate) => ({ ...rate, used: rate.used + neededOf(rate, call) }));
    return {
      lease: {
        facts: () => included,
        commit: (used, ofModel) => void this.end(id, limits, used, ofModel),
        rollback: () => void this.end(id, limits, -1),
      },
    };
  }

  /** Runs the acquire script. Undoes the call if the reply was lost, because it may have been counted. */
  private async run(id: string, limits: readonly RateLimit[], call: CallTokens): Promise<number[]> {
    try {
      const reply = await this.redis.run(ACQUIRE_SCRIPT, this.keysOf(limits), [
        this.span,
        id,
        ...limits.flatMap((limit) => [limit.unit, String(limit.limit), String(neededOf(limit, call))]),
        String(LEASE_MS),
      ]);
      return numbersIn(reply, 1 + 2 * limits.length);
    } catch (error) {
      void this.end(id, limits, -1);
      throw error;
    }
  }

  /** Ends a call and retries after errors. If all tries fail, the lease expires. */
  private async end(
    id: string,
    limits: readonly RateLimit[],
    tokens: number,
    ofModel = tokens,
  ): Promise<void> {
    this.running.delete(id);
    const used = limits.flatMap(({ unit, model }) => [unit, String(model === undefined ? tokens : ofModel)]);
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      try {
        await this.redis.run(END_SCRIPT, this.keysOf(limits), [id, ...used]);
        return;
      } catch (error) {
        if (tries === MAX_TRIES) this.logger.warn(`The end of a call could not be counted: ${String(error)}`);
        await sleep(RETRY_MS);
      }
    }
  }

  /**
   * Renews the leases of running calls, before the ends that are sent later: an ended lease must not be created
   * again.
   */
  private async renew(): Promise<void> {
    if (!this.running.size) return;
    const members = Array.from(this.running, ([id, keys]) => keys.map((key) => [key, id] as const)).flat();
    await this.redis
      .runInOrder(
        RENEW_SCRIPT,
        members.map(([key]) => key),
        [String(LEASE_MS), ...members.map(([, id]) => id)],
      )
      .catch((error: unknown) => this.logger.warn(`Running calls could not be renewed: ${String(error)}`));
  }

  private keysOf(limits: readonly RateLimit[]): string[] {
    return limits.map(({ key }) => this.prefix + key);
  }

  private get span(): string {
    return String(this.config.general.rateLimitSpanMs);
  }
}

/** The latest instant a `Date` can hold. */
const LAST_INSTANT_MS = 8.64e15;

const NO_LEASE = { facts: () => [], commit: () => {}, rollback: () => {} };

/** Throws an error that becomes a 503: the use of the limits is unknown. */
function throwUnexpectedReply(): never {
  throw new DependencyUnavailableError('Redis', 'its answer is not one of ours');
}

/** Returns the reply of a script as `count` numbers. Throws if it is anything else: Redis is not trusted. */
function numbersIn(reply: unknown, count: number): number[] {
  const isOurs =
    Array.isArray(reply) &&
    reply.length === count &&
    reply.every((number) => Number.isSafeInteger(number) && (number as number) >= 0);
  return isOurs ? (reply as number[]) : throwUnexpectedReply();
}

const factsFrom = (limits: readonly RateLimit[], reply: readonly number[]): RateFacts[] =>
  limits.map(({ scope, unit, limit, model }, i) => {
    const freeAt = reply[2 * i + 1];
    return {
      scope,
      unit,
      limit,
      used: reply[2 * i]!,
      ...(model !== undefined && { model }),
      ...(freeAt && freeAt <= LAST_INSTANT_MS ? { freeAt: new Date(freeAt) } : {}),
    };
  });
