import { randomBytes } from 'node:crypto';
import { type LedgerContents, expectBalancedLedger } from './ledger-reader.js';
import { type Answer, Gateway, type GatewayOptions } from './gateway.js';
import { migratedPostgres } from './templates.js';
import { RedisServer } from './redis.js';

/** Several real gateway processes with their own PostgreSQL database and Redis. */
export class Replicas {
  private turn = 0;

  private constructor(
    readonly gateways: Gateway[],
    readonly redis: RedisServer,
    private readonly options: GatewayOptions,
    private readonly drop: () => Promise<void>,
  ) {}

  /** Starts them on a new database of the common server, or on the given server. */
  static async start(
    count: number,
    options: GatewayOptions = {},
    server?: { url: string },
  ): Promise<Replicas> {
    const redis = await RedisServer.start();
    const { url, drop } = server ? { url: server.url, drop: async () => {} } : await migratedPostgres();
    const env = {
      DATABASE_URL: url,
      REDIS_URL: redis.url,
      TOLLGATE_MASTER_KEY: `sk-master-${randomBytes(9).toString('hex')}`,
      TOLLGATE_SALT_KEY: randomBytes(16).toString('hex'),
      ...options.env,
    };
    const replicas = new Replicas([], redis, { ...options, env }, drop);
    try {
      for (let i = 0; i < count; i++) await replicas.add();
    } catch (error) {
      await replicas.close();
      throw error;
    }
    return replicas;
  }

  async add(): Promise<Gateway> {
    const gateway = await Gateway.start(this.options);
    this.gateways.push(gateway);
    return gateway;
  }

  get first(): Gateway {
    return this.gateways[0]!;
  }

  /** Returns the replicas in turn. */
  get next(): Gateway {
    return this.gateways[this.turn++ % this.gateways.length]!;
  }

  chat(key: string, body: object): Promise<Answer> {
    return this.next.chat(key, body);
  }

  async expectTrueBooks(): Promise<LedgerContents> {
    const books = await this.first.books();
    expectBalancedLedger(books);
    return books;
  }

  async close(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.close()));
    await this.redis.close();
    await this.drop();
  }
}
