import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { createClient, type RedisClientType } from '@redis/client';
import { createHash } from 'node:crypto';
import { CONFIG, type Config } from '../config/config.js';
import { DependencyUnavailableError } from '../platform/dependency-unavailable.error.js';

const CONNECT_TIMEOUT_MS = 1_000;
const COMMAND_TIMEOUT_MS = 1_000;
const RECONNECT_MS = 250;
/** A connection on which nothing comes back for so long is given up; a ping makes sure that something should. */
const SILENCE_MS = 5_000;
const PING_MS = 2_000;

/** A program that runs inside Redis, in one step. */
interface RedisScript {
  readonly text: string;
  readonly sha1: string;
}

export const redisScript = (text: string): RedisScript => ({
  text,
  sha1: createHash('sha1').update(text).digest('hex'),
});

/** The connection to Redis, if one is configured. What cannot be answered at once or within a second is an error. */
@Injectable()
export class Redis implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Redis.name);
  private readonly client: RedisClientType | undefined;
  private subscriber: RedisClientType | undefined;
  private isDown = false;

  constructor(@Inject(CONFIG) { redisUrl }: Pick<Config, 'redisUrl'>) {
    if (redisUrl) this.client = this.connectionTo(redisUrl);
  }

  get isConfigured(): boolean {
    return this.client !== undefined;
  }

  /** A Redis that is not there yet is waited for by whoever needs it, one error at a time. */
  async onModuleInit(): Promise<void> {
    await this.opened(this.client);
  }

  async onApplicationShutdown(): Promise<void> {
    for (const client of [this.subscriber, this.client]) client?.destroy();
  }

  async ping(): Promise<void> {
    if (this.client) await inTime(this.client.ping());
  }

  /** Rejects with `DependencyUnavailableError`. */
  async run(script: RedisScript, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    try {
      return await inTime(this.client!.evalSha(script.sha1, { keys: [...keys], arguments: [...args] }));
    } catch (error) {
      if (String(error).includes('NOSCRIPT')) return this.runInOrder(script, keys, args);
      throw new DependencyUnavailableError('Redis', error);
    }
  }

  /** The same before everything that is sent after it, also where Redis does not know the script yet. */
  async runInOrder(
    { text }: RedisScript,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<unknown> {
    try {
      return await inTime(this.client!.eval(text, { keys: [...keys], arguments: [...args] }));
    } catch (error) {
      throw new DependencyUnavailableError('Redis', error);
    }
  }

  /** The first `maxBytes` of a text; undefined when there is none, or something that is no text. */
  async getStart(key: string, maxBytes: number): Promise<string | undefined> {
    try {
      return (await inTime(this.client!.getRange(key, 0, maxBytes - 1))) || undefined;
    } catch (error) {
      if (String(error).includes('WRONGTYPE')) return undefined;
      throw error;
    }
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    await inTime(this.client!.set(key, value, { expiration: { type: 'PX', value: ttlMs } }));
  }

  async delete(keys: readonly string[]): Promise<void> {
    await inTime(this.client!.del([...keys]));
  }

  async publish(channel: string, message: string): Promise<void> {
    await inTime(this.client!.publish(channel, message));
  }

  /** Messages may be lost, and anybody may send them; whoever listens has another way to find out. */
  async subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    if (!this.client) return;
    this.subscriber = this.client.duplicate();
    this.watch(this.subscriber);
    await this.opened(this.subscriber);
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
      // `inTime` has one for all of it. The client's ends when a command is sent, and costs more than sending it.
      commandOptions: { timeout: 0 },
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: SILENCE_MS,
        reconnectStrategy: () => RECONNECT_MS,
      },
    });
    this.watch(client);
    return client;
  }

  private watch(client: RedisClientType): void {
    client.on('error', (error: unknown) => this.warn(error));
    client.on('ready', () => {
      this.isDown = false;
    });
  }

  /** Connecting goes on in the background: a start is not held up by it. */
  private async opened(client: RedisClientType | undefined): Promise<void> {
    if (!client) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CONNECT_TIMEOUT_MS);
    });
    await Promise.race([client.connect().catch((error: unknown) => this.warn(error)), patience]);
    clearTimeout(timer);
  }

  private warn(error: unknown): void {
    if (this.isDown) return;
    this.isDown = true;
    this.logger.warn(`Redis does not answer: ${String(error)}`);
  }
}

/** Within a second, answered. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), COMMAND_TIMEOUT_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
