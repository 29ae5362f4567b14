import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { migrations } from '../database/migrations/index.js';
import { Installation } from '../installation/installation.js';
import { Redis } from '../redis/redis.js';
import { isSameMac, macMaker } from '../platform/secrets.js';
import type { CacheKey } from './change-epochs.js';
import { textOfRow, valueOfRow } from './row-text.js';

/** After a failure it is not asked for so long: a cache must never cost more than it saves. */
const REST_MS = 1_000;
/** Bigger rows are not shared, and no more than that is read of a value. */
const MAX_ROW_BYTES = 4 * 1_024 * 1_024;
/** Longer than a row is kept, by as much as clocks may differ. Changes of more than this time are heard of by a process that starts. */
const MAX_LEFT_MS = 90_000;
/** One hint names at most so many rows, and is at most so long. */
const MAX_HINT_KEYS = 50;
const MAX_HINT_CHARS = 1_000_000;
/** Longer than any row's key: a membership has two names in it, each of at most 1,024 bytes and escaped. */
const MAX_KEY_CHARS = 8_192;

/** A row as another process may have put it here, and of which revision it is. */
interface FarRow {
  readonly row: object | null;
  readonly revision: number;
}

/** A row as it is kept: when it stops counting is part of what the code covers. */
interface KeptRow extends FarRow {
  readonly until: number;
}

/**
 * The second tier of the cache, and the hint that something in it changed: Redis, for all processes. Redis is not
 * trusted: a row counts only with the code (MAC) that a holder of the salt key made for it. The code covers the name the
 * row is kept under (which has the installation, the schema and the row's key in it), its revision, and until when it
 * counts: a row that is forged, moved to another name, or kept back for later is read from the database. A hint only
 * makes a process read anew. Whatever goes wrong here, rows are read from the database; a lost hint is heard of by
 * `Revisions`.
 */
@Injectable()
export class RedisRowCache {
  /** Rows of another version's schema are not this one's: while replicas are upgraded, each finds its own. */
  private readonly prefix: string;
  private readonly channel: string;
  private readonly mac: (text: string) => string;
  private restUntil = 0;

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

  async get(key: CacheKey): Promise<FarRow | undefined> {
    const name = this.prefix + key;
    return this.tried(async () => {
      const kept = await this.redis.getStart(name, MAX_ROW_BYTES);
      return kept === undefined ? undefined : this.opened(name, kept);
    });
  }

  async set(key: CacheKey, { row, revision }: FarRow, ttlMs: number): Promise<void> {
    const name = this.prefix + key;
    await this.tried(async () => {
      const text = textOfRow({ row, revision, until: this.clock().getTime() + ttlMs } satisfies KeptRow);
      const kept = `${this.codeOf(name, text)}.${text}`;
      if (Buffer.byteLength(kept) <= MAX_ROW_BYTES) await this.redis.set(name, kept, ttlMs);
    });
  }

  /** Gone for everyone, and everyone is told. */
  async evict(keys: readonly CacheKey[]): Promise<void> {
    await this.tried(async () => {
      await this.redis.delete(keys.map((key) => this.prefix + key));
      for (let from = 0; from < keys.length; from += MAX_HINT_KEYS)
        await this.redis.publish(this.channel, JSON.stringify(keys.slice(from, from + MAX_HINT_KEYS)));
    });
  }

  /** Tells `listener` which rows another process says it changed. Messages that say no such thing are left out. */
  async onEviction(listener: (keys: readonly CacheKey[]) => Promise<void>): Promise<void> {
    await this.redis.subscribe(this.channel, (message) => {
      const keys = keysIn(message);
      // A row that could not be forgotten is heard of by `Revisions`.
      if (keys) listener(keys).catch(() => undefined);
    });
  }

  /** The row in this text, if it was put here under this name by a holder of the salt key and still counts. */
  private opened(name: string, kept: string): FarRow | undefined {
    const end = kept.indexOf('.');
    const text = kept.slice(end + 1);
    if (end < 0 || !isSameMac(kept.slice(0, end), this.codeOf(name, text))) return undefined;
    const { row, revision, until } = valueOfRow(text) as KeptRow;
    const leftMs = until - this.clock().getTime();
    return leftMs > 0 && leftMs <= MAX_LEFT_MS ? { row, revision } : undefined;
  }

  private codeOf(name: string, text: string): string {
    return this.mac(`${name.length}:${name}${text}`);
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

/** Returns the rows a hint names, without names that no row can have; undefined when it is no hint. */
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
