import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { CONFIG, type Config } from '../config/config.js';
import { sleep } from '../platform/sleep.js';
import { neededOf, type RateFacts } from '../policy/rates.js';
import { Installation } from '../installation/installation.js';
import { Redis, redisScript } from '../redis/redis.js';
import { DependencyUnavailableError } from '../platform/dependency-unavailable.error.js';
import { full, type RateLimit, RateLimits, type LeaseResult } from './rate-limits.js';

/** A running call's place is its for so long, and renewed while it runs: those of a dead process come back. */
const LEASE_MS = 30_000;
const RENEW_MS = 5_000;
const TRIES = 5;
const TRY_AGAIN_MS = 1_000;
/** A sum of tokens is a whole number of at most so many digits. */
const MAX_DIGITS = 15;

/**
 * Forgets what is too old and measures. Of each limit: what is used, and when the oldest entry stops counting (0: none).
 * A limit's entries are a set by time; token counts are beside it in a hash, with their sum.
 *
 * Anybody may have written to this Redis. A key that holds something else is no log, and its limit cannot be counted:
 * the script ends with an error, so nobody is let in. The key expires after one span at most. By then every call it
 * should have known has stopped counting, and an empty log is the truth.
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

const LOOK = redisScript(`${MEASURE} return measured`);

/**
 * ARGV: span, id, then of each limit unit, limit, needed; then the lease. Entries of a full limit that lie in the future
 * (the clock was set back, or somebody else wrote them) count from now on: else they would count for ever.
 */
const TAKE = redisScript(`${MEASURE}
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
 * ARGV: id, then of each limit its unit and the tokens used, or -1 to give all of it back. A key that holds something
 * else hinders no other.
 */
const END = redisScript(`
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

/** ARGV: the lease, then an id for each key. A place that was lost is taken again: its call still runs. A key that holds something else hinders no other. */
const RENEW = redisScript(`
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
  /** The places of running calls, to be renewed. */
  private readonly running = new Map<string, readonly string[]>();
  private renewing: NodeJS.Timeout | undefined;
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
    this.renewing = setInterval(() => void this.renew(), RENEW_MS);
  }

  onApplicationShutdown(): void {
    clearInterval(this.renewing);
  }

  async measure(limits: readonly RateLimit[]): Promise<readonly RateFacts[]> {
    const told = await this.redis.run(LOOK, this.keysOf(limits), [
      this.span,
      '',
      ...limits.flatMap(({ unit, limit }) => [unit, String(limit), '0']),
    ]);
    return factsFrom(limits, numbersIn(told, 2 * limits.length));
  }

  async take(limits: readonly RateLimit[], tokens: number): Promise<LeaseResult> {
    if (!limits.length) return { lease: NO_LEASE };
    const id = uuidv7();
    const [taken, ...told] = await this.run(id, limits, tokens);
    const facts = factsFrom(limits, told);
    if (taken !== 1) return full(facts, tokens) ?? unexpected();
    const places = this.keysOf(limits.filter(({ unit }) => unit === 'running'));
    if (places.length) this.running.set(id, places);
    const included = facts.map((rate) => ({ ...rate, used: rate.used + neededOf(rate, tokens) }));
    return {
      lease: {
        facts: () => included,
        commit: (used, ofModel) => void this.end(id, limits, used, ofModel),
        rollback: () => void this.end(id, limits, -1),
      },
    };
  }

  /** What may have been counted without being answered is given back. */
  private async run(id: string, limits: readonly RateLimit[], tokens: number): Promise<number[]> {
    try {
      const told = await this.redis.run(TAKE, this.keysOf(limits), [
        this.span,
        id,
        ...limits.flatMap((limit) => [limit.unit, String(limit.limit), String(neededOf(limit, tokens))]),
        String(LEASE_MS),
      ]);
      return numbersIn(told, 1 + 2 * limits.length);
    } catch (error) {
      void this.end(id, limits, -1);
      throw error;
    }
  }

  /** What cannot be told now is told again; what cannot be told at all ends by itself. */
  private async end(
    id: string,
    limits: readonly RateLimit[],
    tokens: number,
    ofModel = tokens,
  ): Promise<void> {
    this.running.delete(id);
    const used = limits.flatMap(({ unit, model }) => [unit, String(model === undefined ? tokens : ofModel)]);
    for (let tries = 1; tries <= TRIES; tries++) {
      try {
        await this.redis.run(END, this.keysOf(limits), [id, ...used]);
        return;
      } catch (error) {
        if (tries === TRIES) this.logger.warn(`The end of a call could not be counted: ${String(error)}`);
        await sleep(TRY_AGAIN_MS);
      }
    }
  }

  /** Before the end of any of these calls is told: a place that was given back would be taken again. */
  private async renew(): Promise<void> {
    if (!this.running.size) return;
    const places = Array.from(this.running, ([id, keys]) => keys.map((key) => [key, id] as const)).flat();
    await this.redis
      .runInOrder(
        RENEW,
        places.map(([key]) => key),
        [String(LEASE_MS), ...places.map(([, id]) => id)],
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

/** The last instant a `Date` knows. */
const LAST_INSTANT_MS = 8.64e15;

const NO_LEASE = { facts: () => [], commit: () => {}, rollback: () => {} };

/** Throws what makes an answer 503: nobody can say how full the limits are. */
function unexpected(): never {
  throw new DependencyUnavailableError('Redis', 'its answer is not one of ours');
}

/** The answer of a script as so many numbers. Redis is not trusted to give one. */
function numbersIn(told: unknown, count: number): number[] {
  const isOurs =
    Array.isArray(told) &&
    told.length === count &&
    told.every((number) => Number.isSafeInteger(number) && (number as number) >= 0);
  return isOurs ? (told as number[]) : unexpected();
}

const factsFrom = (limits: readonly RateLimit[], told: readonly number[]): RateFacts[] =>
  limits.map(({ scope, unit, limit, model }, i) => {
    const freeAt = told[2 * i + 1];
    return {
      scope,
      unit,
      limit,
      used: told[2 * i]!,
      ...(model !== undefined && { model }),
      ...(freeAt && freeAt <= LAST_INSTANT_MS ? { freeAt: new Date(freeAt) } : {}),
    };
  });
