import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { CONFIG, type Config } from '../config/config.js';
import { pause } from '../pause.js';
import { neededOf, type RateFacts } from '../policy/rates.js';
import { Redis, redisScript } from '../redis/redis.js';
import { full, type RateLimit, RateLimits, type SlotsTaken } from './rate-limits.js';

/** A running call's place is its for so long, and renewed while it runs: those of a dead process come back. */
const LEASE_MS = 30_000;
const RENEW_MS = 5_000;
const TRIES = 5;
const TRY_AGAIN_MS = 1_000;
/** One slot of a Redis cluster: all limits of a call are one step. */
const PREFIX = '{tollgate}:rate:';

/**
 * Forgets what is too old and measures. Of each limit: what is used, and when the oldest entry stops counting (0: none).
 * A limit's entries are a set by time; token counts are beside it in a hash, with their sum.
 */
const MEASURE = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local span = tonumber(ARGV[1])
local measured = {}
for i, key in ipairs(KEYS) do
  local unit = ARGV[3 * i]
  local amounts = key .. ':amounts'
  local horizon = unit == 'running' and now or now - span
  if unit == 'tokens' then
    local old = redis.call('ZRANGEBYSCORE', key, '-inf', horizon)
    for _, id in ipairs(old) do
      redis.call('HINCRBY', amounts, 'sum', 0 - (redis.call('HGET', amounts, id) or 0))
      redis.call('HDEL', amounts, id)
    end
  end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', horizon)
  local used = unit == 'tokens' and tonumber(redis.call('HGET', amounts, 'sum') or 0) or redis.call('ZCARD', key)
  local oldest = unit ~= 'running' and redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  measured[2 * i - 1] = used
  measured[2 * i] = oldest and tonumber(oldest) + span or 0
end
`;

const LOOK = redisScript(`${MEASURE} return measured`);

/** ARGV: span, id, then of each limit unit, limit, needed; then the lease. */
const TAKE = redisScript(`${MEASURE}
for i, key in ipairs(KEYS) do
  if measured[2 * i - 1] + tonumber(ARGV[3 * i + 2]) > tonumber(ARGV[3 * i + 1]) then
    table.insert(measured, 1, 0)
    return measured
  end
end
local lease = tonumber(ARGV[#ARGV])
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

/** ARGV: id, then of each limit its unit and the tokens used, or -1 to give all of it back. */
const END = redisScript(`
for i, key in ipairs(KEYS) do
  local unit, used = ARGV[2 * i], tonumber(ARGV[2 * i + 1])
  local amounts = key .. ':amounts'
  if unit == 'tokens' then
    local counted = redis.call('HGET', amounts, ARGV[1])
    if counted then
      local amount = math.max(used, 0)
      redis.call('HINCRBY', amounts, 'sum', amount - tonumber(counted))
      redis.call('HSET', amounts, ARGV[1], amount)
    end
  elseif unit == 'running' or used < 0 then
    redis.call('ZREM', key, ARGV[1])
  end
end`);

/** ARGV: the lease, then an id for each key. A place that was lost is taken again: its call still runs. */
const RENEW = redisScript(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local lease = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + lease, ARGV[i + 1])
  redis.call('PEXPIRE', key, 2 * lease)
end`);

/** Counts in Redis, by its clock: all limits of a call in one step, the same for every replica. */
@Injectable()
export class RedisRateLimits extends RateLimits implements OnModuleInit, OnApplicationShutdown {
  readonly areInMemory = false;
  private readonly logger = new Logger(RedisRateLimits.name);
  /** The places of running calls, to be renewed. */
  private readonly running = new Map<string, readonly string[]>();
  private renewing: NodeJS.Timeout | undefined;

  constructor(
    private readonly redis: Redis,
    @Inject(CONFIG) private readonly config: { readonly general: Pick<Config['general'], 'rateLimitSpanMs'> },
  ) {
    super();
  }

  onModuleInit(): void {
    this.renewing = setInterval(() => void this.renew(), RENEW_MS);
  }

  onApplicationShutdown(): void {
    clearInterval(this.renewing);
  }

  async measure(limits: readonly RateLimit[]): Promise<readonly RateFacts[]> {
    const told = (await this.redis.run(LOOK, keysOf(limits), [
      this.span,
      '',
      ...limits.flatMap(({ unit, limit }) => [unit, String(limit), '0']),
    ])) as number[];
    return factsFrom(limits, told);
  }

  async take(limits: readonly RateLimit[], tokens: number): Promise<SlotsTaken> {
    if (!limits.length) return { slots: NO_SLOTS };
    const id = uuidv7();
    const [taken, ...told] = await this.run(id, limits, tokens);
    const facts = factsFrom(limits, told);
    if (!taken) return full(facts, tokens)!;
    const places = keysOf(limits.filter(({ unit }) => unit === 'running'));
    if (places.length) this.running.set(id, places);
    const included = facts.map((rate) => ({ ...rate, used: rate.used + neededOf(rate, tokens) }));
    return {
      slots: {
        facts: () => included,
        end: (used, ofModel) => void this.end(id, limits, used, ofModel),
        giveBack: () => void this.end(id, limits, -1),
      },
    };
  }

  /** What may have been counted without being answered is given back. */
  private async run(id: string, limits: readonly RateLimit[], tokens: number): Promise<number[]> {
    try {
      return (await this.redis.run(TAKE, keysOf(limits), [
        this.span,
        id,
        ...limits.flatMap((limit) => [limit.unit, String(limit.limit), String(neededOf(limit, tokens))]),
        String(LEASE_MS),
      ])) as number[];
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
        await this.redis.run(END, keysOf(limits), [id, ...used]);
        return;
      } catch (error) {
        if (tries === TRIES) this.logger.warn(`The end of a call could not be counted: ${String(error)}`);
        await pause(TRY_AGAIN_MS);
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

  private get span(): string {
    return String(this.config.general.rateLimitSpanMs);
  }
}

const NO_SLOTS = { facts: () => [], end: () => {}, giveBack: () => {} };

const keysOf = (limits: readonly RateLimit[]) => limits.map(({ key }) => PREFIX + key);

const factsFrom = (limits: readonly RateLimit[], told: readonly number[]): RateFacts[] =>
  limits.map(({ scope, unit, limit, model }, i) => {
    const freeAt = told[2 * i + 1];
    return {
      scope,
      unit,
      limit,
      used: told[2 * i]!,
      ...(model !== undefined && { model }),
      ...(freeAt ? { freeAt: new Date(freeAt) } : {}),
    };
  });
