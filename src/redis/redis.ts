import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { createClient, type RedisClientType } from '@redis/client';
import { createHash } from 'node:crypto';
import { CONFIG, type Config } from '../config/config.js';
import { DependencyUnavailableError } from '../platform/dependency-unavailable.error.js';

const CONNECT_TIMEOUT_MS = 1_000;
const COMMAND_TIMEOUT_MS = 1_000;
const RECONNECT_MS = 250;
/** A connection without data for this long is closed. Pings make sure that a live one has data. */
const SILENCE_MS = 5_000;
const PING_MS = 2_000;

/** A Lua script that Redis runs in one step. */
interface RedisScript {
  readonly text: string;
  readonly sha1: string;
}

export const redisScript = (text: string): RedisScript => ({
  text,
  sha1: createHash('sha1').update(text).digest('hex'),
});

/**
 * The connection to Redis, if one is configured. Commands fail at once without a connection, and after a second
 * without a reply.
 */
@Injectable()
export class Redis implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Redis.name);
  private readonly client: RedisClientType | undefined;
  private subscriber: RedisClientType | undefined;
  private isDown = false;
  private lastError: unknown;

  constructor(@Inject(CONFIG) { redisUrl }: Pick<Config, 'redisUrl'>) {
    if (redisUrl) this.client = this.connectionTo(redisUrl);
  }

  get isConfigured(): boolean {
    return this.client !== undefined;
  }

  /** The reason for which Redis does not answer. Undefined if it answers, or is not configured. */
  get failure(): string | undefined {
    return this.isDown ? String(this.lastError) : undefined;
  }

  /** Waits a short time for Redis. Without it the process starts, and each command fails until Redis is there. */
  async onModuleInit(): Promise<void> {
    await this.waitForConnection(this.client);
  }

  async onApplicationShutdown(): Promise<void> {
    for (const client of [this.subscriber, this.client]) client?.destroy();
  }

  async ping(): Promise<void> {
    if (this.client) await withTimeout(this.client.ping());
  }

  /** Runs a script. Rejects with `DependencyUnavailableError`. */
  async run(script: RedisScript, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    try {
      return await withTimeout(this.client!.evalSha(script.sha1, { keys: [...keys], arguments: [...args] }));
    } catch (error) {
      if (String(error).includes('NOSCRIPT')) return this.runInOrder(script, keys, args);
      throw new DependencyUnavailableError('Redis', error);
    }
  }

  /** Runs a script before every command that is sent later, also if Redis does not have the script yet. */
  async runInOrder(
    { text }: RedisScript,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<unknown> {
    try {
      return await withTimeout(this.client!.eval(text, { keys: [...keys], arguments: [...args] }));
    } catch (error) {
      throw new DependencyUnavailableError('Redis', error);
    }
  }

  /** Returns the first `maxBytes` of a string. Undefined if the key is absent or no string. */
  async getStart(key: string, maxBytes: number): Promise<string | undefined> {
    try {
      return (await withTimeout(this.client!.getRange(key, 0, maxBytes - 1))) || undefined;
    } catch (error) {
      if (String(error).includes('WRONGTYPE')) return undefined;
      throw error;
    }
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    await withTimeout(this.client!.set(key, value, { expiration: { type: 'PX', value: ttlMs } }));
  }

  async delete(keys: readonly string[]): Promise<void> {
    await withTimeout(this.client!.del([...keys]));
  }

  async publish(channel: string, message: string): Promise<void> {
    await withTimeout(this.client!.publish(channel, message));
  }

  /** Subscribes to a channel. Messages may be lost and any client may send them, so listeners need another source. */
  async subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    if (!this.client) return;
    this.subscriber = this.client.duplicate();
    this.listen(this.subscriber);
    await this.waitForConnection(this.subscriber);
    await this.subscriber
      .subscribe(channel, (message) => {
        try {
          listener(message);
        } catch (error) {
          this.logger.warn(`A message could not be dealt with: ${String(error)}`);
        }
      })
      .catch((error: unknown) => this.warn(error));
  }

  private connectionTo(url: string): RedisClientType {
    const client: RedisClientType = createClient({
      url,
      name: 'tollgate',
      disableOfflineQueue: true,
      maintNotifications: 'disabled',
      pingInterval: PING_MS,
      // `withTimeout` covers the whole command. The client's own timeout ends when the command is sent, and is
      // expensive.
      commandOptions: { timeout: 0 },
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: SILENCE_MS,
        reconnectStrategy: () => RECONNECT_MS,
      },
    });
    this.listen(client);
    return client;
  }

  private listen(client: RedisClientType): void {
    client.on('error', (error: unknown) => this.warn(error));
    client.on('ready', () => {
      this.isDown = false;
    });
  }

  /** Waits for the connection for a limited time. Connecting continues in the background. */
  private async waitForConnection(client: RedisClientType | undefined): Promise<void> {
    if (!client) return;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CONNECT_TIMEOUT_MS);
    });
    await Promise.race([client.connect().catch((error: unknown) => this.warn(error)), timeout]);
    clearTimeout(timer);
    if (!client.isReady) this.warn(this.lastError ?? new Error(`no connection in ${CONNECT_TIMEOUT_MS} ms`));
  }

  private warn(error: unknown): void {
    this.lastError = error;
    if (this.isDown) return;
    this.isDown = true;
    this.logger.warn(`Redis does not answer: ${String(error)}`);
  }
}

/**
 * Rejects if the reply takes longer than a second. A reply that came in time counts even if the process was too busy to
 * read it: the event loop reads sockets between timers and `setImmediate`.
 */
async function withTimeout<T>(reply: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => setImmediate(() => reject(new Error('no answer in time'))), COMMAND_TIMEOUT_MS);
  });
  try {
    return await Promise.race([reply, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
