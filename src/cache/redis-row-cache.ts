import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { migrations } from '../database/migrations/index.js';
import { Installation } from '../installation/installation.js';
import { Redis } from '../redis/redis.js';
import { isSameMac, macMaker } from '../platform/secrets.js';
import type { CacheKey } from './change-epochs.js';
import { textOfRow, valueOfRow } from './row-text.js';

/** The pause after a failure: a cache must never cost more than it saves. */
const CIRCUIT_OPEN_MS = 1_000;
/** Larger rows are not stored. Reads stop at this size. */
const MAX_ROW_BYTES = 4 * 1_024 * 1_024;
/**
 * The longest remaining lifetime of a valid row: its TTL plus the largest difference of clocks. A starting process
 * reads all changes of a longer period.
 */
const MAX_REMAINING_MS = 90_000;
/** The most rows in one hint, and its maximum length. */
const MAX_HINT_KEYS = 50;
const MAX_HINT_CHARS = 1_000_000;
/** Above the length of any row's key. A membership key has two escaped names of at most 1,024 bytes. */
const MAX_KEY_CHARS = 8_192;

/** A row as another process may have stored it, with its revision. */
interface VersionedRow {
  readonly row: object | null;
  readonly revision: number;
}

/** A row as stored. `until` is covered by the MAC. */
interface StoredRow extends VersionedRow {
  readonly until: number;
}

/**
 * The second tier of the row cache: Redis, for all replicas. It also publishes hints of changed rows.
 * Redis is not trusted. A row is valid only with a MAC made with the salt key. The MAC covers the name of the row
 * (with installation, schema and cache key), its revision and its expiry. A row that is forged, moved to another name
 * or replayed later is rejected and read from the database.
 * A hint only makes replicas reload rows. On any failure here, rows are read from the database. `Revisions` finds
 * changes whose hints were lost.
 */
@Injectable()
export class RedisRowCache {
  /** The prefix has the schema version, so replicas of two versions do not share rows during an upgrade. */
  private readonly prefix: string;
  private readonly channel: string;
  private readonly mac: (text: string) => string;
  private circuitOpenUntil = 0;

  constructor(
    private readonly redis: Redis,
    installation: Installation,
    @Inject(CONFIG) { saltKey }: Pick<Config, 'saltKey'>,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.prefix = installation.inRedis(`row:${migrations.at(-1)!.name}:`);
    this.channel = installation.inRedis('changes');
    this.mac = macMaker('rows', saltKey);
  }

  async get(key: CacheKey): Promise<VersionedRow | undefined> {
    const name = this.prefix + key;
    return this.attempt(async () => {
      const stored = await this.redis.getStart(name, MAX_ROW_BYTES);
      return stored === undefined ? undefined : this.verify(name, stored);
    });
  }

  async set(key: CacheKey, { row, revision }: VersionedRow, ttlMs: number): Promise<void> {
    const name = this.prefix + key;
    await this.attempt(async () => {
      const text = textOfRow({ row, revision, until: this.clock().getTime() + ttlMs } satisfies StoredRow);
      const stored = `${this.codeOf(name, text)}.${text}`;
      if (Buffer.byteLength(stored) <= MAX_ROW_BYTES) await this.redis.set(name, stored, ttlMs);
    });
  }

  /** Deletes rows for all replicas and publishes a hint. */
  async evict(keys: readonly CacheKey[]): Promise<void> {
    await this.attempt(async () => {
      await this.redis.delete(keys.map((key) => this.prefix + key));
      for (let from = 0; from < keys.length; from += MAX_HINT_KEYS)
        await this.redis.publish(this.channel, JSON.stringify(keys.slice(from, from + MAX_HINT_KEYS)));
    });
  }

  /** Calls `listener` with the rows that another replica says it changed. Ignores malformed messages. */
  async onEviction(listener: (keys: readonly CacheKey[]) => Promise<void>): Promise<void> {
    await this.redis.subscribe(this.channel, (message) => {
      const keys = keysIn(message);
      // `Revisions` finds the change if this fails.
      if (keys) listener(keys).catch(() => undefined);
    });
  }

  /** Returns the row if its MAC is valid for this name and it has not expired. */
  private verify(name: string, stored: string): VersionedRow | undefined {
    const end = stored.indexOf('.');
    const text = stored.slice(end + 1);
    if (end < 0 || !isSameMac(stored.slice(0, end), this.codeOf(name, text))) return undefined;
    const { row, revision, until } = valueOfRow(text) as StoredRow;
    const remainingMs = until - this.clock().getTime();
    return remainingMs > 0 && remainingMs <= MAX_REMAINING_MS ? { row, revision } : undefined;
  }

  private codeOf(name: string, text: string): string {
    return this.mac(`${name.length}:${name}${text}`);
  }

  private async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (!this.redis.isConfigured || Date.now() < this.circuitOpenUntil) return undefined;
    try {
      return await work();
    } catch {
      this.circuitOpenUntil = Date.now() + CIRCUIT_OPEN_MS;
      return undefined;
    }
  }
}

/** Returns the keys in a hint, without keys that no row can have. Undefined if the message is no hint. */
function keysIn(message: string): CacheKey[] | undefined {
  if (message.length > MAX_HINT_CHARS) return undefined;
  let keys: unknown;
  try {
    keys = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (!Array.isArray(keys) || keys.length > MAX_HINT_KEYS) return undefined;
  return keys.every((key) => typeof key === 'string')
    ? keys.filter((key) => key.length <= MAX_KEY_CHARS)
    : undefined;
}
