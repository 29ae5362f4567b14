import { Injectable } from '@nestjs/common';
import { migrations } from '../database/migrations/index.js';
import { Redis } from '../redis/redis.js';
import type { CacheKey } from './changes.js';

const CHANNEL = 'tollgate:changes';
/** After a failure it is not asked for so long: a cache must never cost more than it saves. */
const REST_MS = 1_000;

/** A row as another process may have put it here, and of which revision it is. */
interface FarRow {
  readonly row: object | null;
  readonly revision: number;
}

/**
 * The second tier of the cache, and the hint that something in it changed: Redis, for all processes. Whatever goes wrong
 * here, rows are read from the database; a lost hint is heard of by `Revisions`.
 */
@Injectable()
export class FarRows {
  /** Rows of another version's schema are not this one's: while replicas are upgraded, each finds its own. */
  private readonly prefix = `tollgate:row:${migrations.at(-1)!.name}:`;
  private restUntil = 0;

  constructor(private readonly redis: Redis) {}

  get(key: CacheKey): Promise<FarRow | undefined> {
    return this.tried(async () => {
      const text = await this.redis.get(this.prefix + key);
      return text === null ? undefined : (JSON.parse(text, revived) as FarRow);
    });
  }

  async set(key: CacheKey, value: FarRow, ttlMs: number): Promise<void> {
    await this.tried(() => this.redis.set(this.prefix + key, JSON.stringify(value, told), ttlMs));
  }

  /** Gone for everyone, and everyone is told. */
  async evict(keys: readonly CacheKey[]): Promise<void> {
    await this.tried(async () => {
      await this.redis.delete(keys.map((key) => this.prefix + key));
      await this.redis.publish(CHANNEL, JSON.stringify(keys));
    });
  }

  async onEviction(listener: (keys: readonly CacheKey[]) => void): Promise<void> {
    await this.redis.subscribe(CHANNEL, (message) => listener(JSON.parse(message) as CacheKey[]));
  }

  private async tried<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (!this.redis.isConfigured || Date.now() < this.restUntil) return undefined;
    try {
      return await work();
    } catch {
      this.restUntil = Date.now() + REST_MS;
      return undefined;
    }
  }
}

/** JSON knows neither nano-dollars nor instants. */
function told(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const raw = this[name];
  if (raw instanceof Date) return { $at: raw.getTime() };
  return typeof value === 'bigint' ? { $n: value.toString() } : value;
}

function revived(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { $n: amount, $at: ms } = value as { $n?: unknown; $at?: unknown };
  if (typeof amount === 'string') return BigInt(amount);
  return typeof ms === 'number' ? new Date(ms) : value;
}
