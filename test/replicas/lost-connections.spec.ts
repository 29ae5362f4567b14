import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { Gateway } from '../harness/gateway.js';
import { postgresIsThere } from '../harness/postgres.js';
import { migratedPostgres } from '../harness/templates.js';
import { Upstream } from '../harness/upstream.js';
import { eventually } from '../harness/eventually.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** PostgreSQL's message when it ends a session. */
const FATAL = (() => {
  const fields = Buffer.from(
    'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0',
  );
  const head = Buffer.alloc(5, 'E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
})();

/** A proxy of a PostgreSQL server. It ends new sessions in the same piece of bytes that reports them ready. */
class Ender {
  /** Number of ready messages before it ends a session; 0: never. */
  endsAfter = 0;
  ended = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: URL,
  ) {}

  static async before(url: string): Promise<Ender> {
    const ender: Ender = new Ender(
      createServer((client) => ender.join(client)),
      new URL(url),
    );
    await new Promise<void>((done) => ender.server.listen(0, '127.0.0.1', done));
    return ender;
  }

  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private join(client: Socket): void {
    const server = connect(Number(this.target.port || 5432), this.target.hostname);
    const endsAfter = this.endsAfter;
    let ready = 0;
    let rest = Buffer.alloc(0);
    server.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      let end = 0;
      let isEnded = false;
      while (!isEnded && rest.length >= end + 5 && rest.length >= end + 1 + rest.readInt32BE(end + 1)) {
        const isReady = rest[end] === 'Z'.charCodeAt(0);
        end += 1 + rest.readInt32BE(end + 1);
        isEnded = isReady && ++ready === endsAfter;
      }
      const whole = rest.subarray(0, end);
      rest = rest.subarray(end);
      if (!isEnded) return void client.write(whole);
      this.ended++;
      client.end(Buffer.concat([whole, FATAL]));
      server.destroy();
    });
    client.pipe(server);
    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        server.destroy();
      });
    }
  }
}

describe.skipIf(!(await postgresIsThere()))(
  'a session of PostgreSQL that ends as soon as it is ready',
  () => {
    it.each([1, 2])('costs requests, never the process (the %ith time it is ready)', async (endsAfter) => {
      const { url, drop } = await migratedPostgres();
      cleanups.push(drop);
      const ender = await Ender.before(url);
      cleanups.push(() => ender.close());
      const upstream = await Upstream.start();
      cleanups.push(() => upstream.close());
      const gateway = await Gateway.start({ upstream, env: { DATABASE_URL: ender.url } });
      cleanups.push(() => gateway.close());
      const key = await gateway.createKey({ max_budget: 1 });

      ender.endsAfter = endsAfter;
      const admin = new pg.Client({ connectionString: url });
      await admin.connect();
      await admin.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
      await admin.end();
      await eventually(async () => {
        const { status } = await gateway.admin('GET', '/key/list');
        expect([200, 503]).toContain(status);
        expect(ender.ended).toBeGreaterThan(5);
      });
      expect((await gateway.admin('GET', '/key/list')).status).toBe(503);
      expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(503);

      ender.endsAfter = 0;
      await eventually(async () =>
        expect((await gateway.chat(key, { model: 'm-out', max_tokens: 1 })).status).toBe(200),
      );
      expect((await gateway.admin('GET', '/key/list')).status).toBe(200);
    });
  },
);
